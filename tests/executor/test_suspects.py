"""An item that came back from several dead workers may have killed them: it runs alone."""

import threading
from typing import Any

import pytest

from apps.executor.drain import ALONE_AFTER, Drain
from apps.executor.worker import WorkerProcess
from apps.state.models import Run
from drivers.contract import Call, Outcome
from tests.executor.finishing import start
from tests.functions import ScriptedDriver, left_over, statuses, succeed
from tests.state.items import QUEUE, execute

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("suspects", [1, 3])
def test_a_suspect_runs_with_nothing_beside_it(
    settings: Any, driver: ScriptedDriver, worker: WorkerProcess, suspects: int
) -> None:
    settings.STEP_SLOTS = 4
    start(runs=10)
    ids = list(Run.objects.order_by("id").values_list("id", flat=True)[2 : 2 + suspects])
    execute("UPDATE state_readyitem SET returns = %s WHERE run_id = ANY (%s)", (ALONE_AFTER, ids))
    lock = threading.Lock()
    running: set[str] = set()
    beside: dict[str, set[str]] = {}

    def answer(call: Call) -> Outcome:
        with lock:
            running.add(call.run_id)
            for one in running:
                beside.setdefault(one, set()).update(running)
        with lock:
            running.remove(call.run_id)
        return succeed()

    driver.answer = answer
    drain = Drain(QUEUE)
    for _ in range(suspects):
        drain.run()
        # Those that were claimed beside the first one are not known to the drain any more.
        execute(
            "WITH back AS (DELETE FROM state_leaseditem RETURNING *)"
            " INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns)"
            " SELECT id, queue, function_id, run_id, step_id, attempt, priority, returns FROM back"
        )
    drain.run()
    assert statuses() == {"completed": 10}
    assert left_over() == {}
    assert set(driver.calls.values()) == {1}
    for suspect in ids:
        assert beside[suspect] == {suspect}
