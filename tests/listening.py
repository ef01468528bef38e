"""Somebody who looks on: what is told over the socket is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.devserver.hearing import Hearing
from apps.devserver.processes import holds_within
from apps.executor.drain import Drain
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.state.scheduling import promote_due
from apps.state.teller import stop_telling
from apps.state.told import Told, kind_of
from tests.functions import left_over
from tests.state.items import QUEUE


class Heard:
    """What was told, in its order."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def kinds(self, last: str) -> list[str]:
        """The kinds of all that was told, once one of kind `last` has come."""
        assert holds_within(5.0, lambda: any(kind_of(one) == last for one in self.told)), self.told
        return [kind_of(one) for one in self.told]

    def only(self, kind: str) -> Told:
        self.kinds(kind)
        [one] = [one for one in self.told if kind_of(one) == kind]
        return one


@pytest.fixture
def heard(settings: Settings, tmp_path: Path) -> Iterator[Heard]:
    """A development server that listens."""
    listener = Heard()
    hearing = Hearing(tmp_path, listener.told.extend)
    settings.LOG_RUNS = True
    settings.DEV_SOCKET = str(hearing.path)
    yield listener
    stop_telling()
    hearing.close()


def work() -> None:
    """Do all that can be done at this moment, as workers do it."""
    drain = Drain(QUEUE)
    while True:
        done = consume_events()
        probe_waits()
        expire_waits()
        done += promote_due().total()
        before = left_over()
        drain.run()
        if not done and left_over() == before:
            return
