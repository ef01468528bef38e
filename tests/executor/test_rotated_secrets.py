"""A secret that is changed while a step's container runs: neither the value that it has nor the new one is told."""

import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from apps.executor.redaction import redact
from drivers.contract import Abort, Call
from drivers.docker import DockerDriver
from drivers.docker_containers import name_of
from tests.drivers.subjects.docker import DockerSubject
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

OLD, NEW, GONE = "the-old-value-1", "the-new-value-2", "was-removed-meanwhile"
_SAYS = 'sleep 1.5; echo "key $KEY $REMOVED" >&2; echo "{\\"status\\":400,\\"key\\":\\"$KEY $REMOVED\\"}"; exit 3'


def is_running(engine: Any, call: Call) -> bool:
    name = name_of(call)
    return any(row["State"] == "running" for row in engine.containers(filters={"name": name}))


@pytest.mark.parametrize("now", [{"KEY": NEW}, {}], ids=["changed", "all removed"])
def test_a_successor_redacts_what_the_container_was_made_with(
    docker_engine: Any, busybox_image: str, now: Mapping[str, str]
) -> None:
    subject = DockerSubject(DockerDriver(), busybox_image)
    call = dataclasses.replace(subject.running(_SAYS), env={"KEY": OLD, "REMOVED": GONE})
    abort = Abort()
    first = threading.Thread(target=subject.driver.run, args=(call, abort))
    first.start()
    wait_for(lambda: is_running(docker_engine, call), "the container runs")
    abort.set("handover")
    first.join(20)
    later = dataclasses.replace(call, env=now)
    found = redact(DockerDriver().run(later, Abort()), later)
    assert found.output == '{"status":400,"key":"[redacted KEY] [redacted REMOVED]"}'
    assert found.log == "key [redacted KEY] [redacted REMOVED]"
    assert found.error is not None
    assert "[redacted KEY]" in found.error.message
    assert not any(value in repr(found) for value in (OLD, GONE))
    # And whoever reads it once it has ended.
    again = DockerDriver().run(later, Abort())
    assert again.env == {"KEY": OLD, "REMOVED": GONE}
    assert redact(again, later) == dataclasses.replace(found, kept=again.kept)
