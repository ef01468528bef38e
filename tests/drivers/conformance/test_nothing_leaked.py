"""After many runs of every kind a worker holds what it held before."""

import dataclasses
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import psutil
import pytest

from drivers.contract import MIB, Abort, Call
from tests.docker_engine import OWNER
from tests.drivers.conformance.attempts import next_attempt
from tests.drivers.subjects.subject import Subject
from tests.waiting import wait_for

RUNS = 1_000
CONTAINERS = int(os.environ.get("CONTAINER_RUNS", "300"))
"""A thousand take minutes: with CONTAINER_RUNS=1000, before a release or when the driver has changed."""
GROWTH = 40 * MIB
WARM_UP = 40
SIDE_BY_SIDE = {"docker": 8, "http": 8}
"""Where most of a run's time is spent elsewhere."""


class Held(NamedTuple):
    files: int
    threads: int
    rss: int
    outside: int
    """Containers and the like."""


@pytest.mark.timeout(1200)  # a container costs a fifth of a second of processor time
def test_many_runs_leave_nothing_behind(subject: Subject) -> None:
    kinds = [subject.returning('{"a":1}'), subject.echoing(), subject.failing("no luck")]
    if subject.runtime != "docker":  # which ends a container that hangs, as slowly as it may
        kinds.append(dataclasses.replace(subject.hanging(), timeout=0.02))
    run_all(subject, kinds, WARM_UP)
    before = held(subject)
    runs = CONTAINERS if subject.runtime == "docker" else RUNS
    run_all(subject, kinds, runs)
    # As many connections may be kept as calls ran side by side, each with both its ends and a server's thread here. How
    # many of them the warm-up made is chance.
    kept = SIDE_BY_SIDE["http"] if subject.runtime == "http" else 0
    wait_for(lambda: held(subject).files <= before.files + 2 * kept, "no file handle is left open")
    wait_for(lambda: held(subject).threads <= before.threads + kept, "no thread is left running")
    after = held(subject)
    assert after.outside == before.outside
    assert after.rss - before.rss < GROWTH, f"{(after.rss - before.rss) / runs:,.0f} bytes a run"


def run_all(subject: Subject, kinds: list[Call], count: int) -> None:
    def one(number: int) -> None:
        outcome = subject.driver.run(next_attempt(kinds[number % len(kinds)]), Abort())
        assert not outcome.unavailable, outcome.error
        if outcome.kept is not None:
            outcome.kept()

    with ThreadPoolExecutor(SIDE_BY_SIDE.get(subject.runtime, 1)) as pool:
        for done in [pool.submit(one, number) for number in range(count)]:
            done.result()


def held(subject: Subject) -> Held:
    gc.collect()
    return Held(
        files=psutil.Process().num_fds(),
        threads=threading.active_count(),
        rss=psutil.Process().memory_info().rss,
        outside=_containers() if subject.runtime == "docker" else 0,
    )


def _containers() -> int:
    from drivers.docker_orphans import list_containers

    return sum(container.owner == OWNER for container in list_containers())
