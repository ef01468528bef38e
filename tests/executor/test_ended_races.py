"""A run ends while its step is with a worker: the call is stopped, its result is dropped, and nothing is left."""

import threading

import pytest

from apps.executor.drain import Drain
from apps.executor.worker import WorkerProcess
from apps.state.ending import cancel_run
from apps.state.models import History, Run
from drivers.answers import aborted
from drivers.contract import Abort, Call, Outcome
from drivers.registry import driver_for
from tests.executor.finishing import start
from tests.functions import ScriptedDriver, left_over, statuses
from tests.state.items import QUEUE
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0


class Stoppable(ScriptedDriver):
    """Its calls end when they are aborted; keeps the reasons."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[str | None] = []

    def run(self, call: Call, abort: Abort) -> Outcome:
        super().run(call, abort)
        stopped = threading.Event()
        abort.on_set(stopped.set)
        assert stopped.wait(SECONDS)
        self.reasons.append(abort.reason)
        return aborted()


@pytest.fixture
def stoppable(monkeypatch: pytest.MonkeyPatch) -> Stoppable:
    from drivers import registry

    driver = Stoppable()
    monkeypatch.setitem(registry._instances, "http", driver)
    assert driver_for("http") is driver
    return driver


def test_runs_that_are_cancelled_under_load_stop_their_calls(stoppable: Stoppable, worker: WorkerProcess) -> None:
    start(runs=40)
    drain = Drain(QUEUE)
    runs = list(Run.objects.values_list("pk", flat=True))
    draining = threading.Thread(target=_drain, args=(drain,))
    draining.start()
    try:
        wait_for(lambda: stoppable.calls, "a step runs", SECONDS)
        for run in runs:
            assert cancel_run(run, "asked for")
            if run in runs[::5]:
                worker.beat_once()

        def is_through() -> bool:
            worker.beat_once()
            return not draining.is_alive()

        wait_for(is_through, "the drain ends", SECONDS)
    finally:
        draining.join(SECONDS)
    assert statuses() == {"cancelled": 40}
    assert left_over() == {}
    assert set(stoppable.reasons) == {"cancel"}
    assert History.objects.filter(kind="step.dropped").count() == len(stoppable.reasons)


def _drain(drain: Drain) -> None:
    from django.db import connection

    try:
        drain.run()
    finally:
        connection.close()
