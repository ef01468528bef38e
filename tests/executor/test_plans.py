"""An event's whole path looks only at its own rows, also by plans that were made while every table was empty."""

from typing import Any

import pytest

from apps.executor.chores.wake_due import wake_due
from apps.executor.drain import Drain
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.state.attempts import places_of
from apps.state.ending import cancel_run
from apps.state.models import Run
from apps.state.scheduling import promote_due
from apps.state.workers import leased_of_ended, reclaim_lost
from drivers.answers import unavailable
from tests.executor.finishing import lease, with_outcome
from tests.functions import ScriptedDriver, append, deploy_function, fail, left_over, succeed
from tests.state.items import LEASE_SECONDS, QUEUE, add_ready, add_scheduled, add_worker, execute, silence
from tests.state.plans import Explained, Explainer

pytestmark = pytest.mark.django_db

MANY = 100_000
RUNS = 3
ROWS_MOST = 40
PAGES_MOST = 300
HOT = (
    "state_run",
    "state_step",
    "state_attempt",
    "state_history",
    "state_readyitem",
    "state_scheduleditem",
    "state_leaseditem",
    "event_stream_event",
    "event_stream_inbox",
)


@pytest.fixture
def explainer(settings: Any) -> Explainer:
    """The tables are empty, without a trace of what other tests rolled back, and the statistics say so."""
    settings.UNAVAILABLE_RETRY_SECONDS = -60.0  # the transaction's time stands still
    execute(f"TRUNCATE {', '.join(HOT)}")
    execute(f"ANALYZE {', '.join(HOT)}")
    return Explainer()


def fill() -> None:
    """A past of 100,000 ended runs with their steps, and as many items for later and for another fleet."""
    execute(
        "INSERT INTO event_stream_event (internal_id, environment_id, name, payload, received_at, duplicate)"
        " SELECT n, 1, 'test/event', '{}', now(), false FROM generate_series(1, %s) AS n",
        (MANY,),
    )
    execute(
        "INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at, ended_at)"
        " SELECT lpad(n::text, 26, '0'), 1, 1, 1, -n, 'completed', now(), now() FROM generate_series(1, %s) AS n",
        (MANY,),
    )
    execute(
        "INSERT INTO state_step (run_id, step_id, status, item_id, attempts, output, queued_at, ended_at)"
        " SELECT lpad(n::text, 26, '0'), 'a', 'completed', -n, 1, '1', now(), now() FROM generate_series(1, %s) AS n",
        (MANY,),
    )
    for function in range(1, 501):
        add_ready(function, MANY // 500, queue="steps.cpu")
    add_scheduled(3_600, MANY)


def live(driver: ScriptedDriver) -> None:
    """Runs of every kind: completed, failed and tried again, cancelled, returned by a worker that died."""
    append(count=RUNS)
    consume_events()
    execute("UPDATE state_worker SET heartbeat_at = now() + interval '1 hour'")
    wait_in_vain()
    doomed = add_worker()
    lease(doomed, 1)
    silence(doomed)
    reclaim_lost(LEASE_SECONDS, 5)
    Drain(QUEUE).run()
    wake_due()
    Drain(QUEUE).run()
    driver.answer = lambda call: fail(for_good=True)
    append(count=RUNS)
    consume_events()
    for run in Run.objects.filter(id__gt="01").order_by("-id")[:1]:
        assert cancel_run(run.pk, "asked for")
    Drain(QUEUE).run()
    wake_due()


def wait_in_vain() -> None:
    """What runs the steps is away for a while; the worker beats meanwhile, and looks whether it is still asked for."""
    worker = add_worker()
    refused = [with_outcome(one, unavailable("EngineAway", "it does not answer")) for one in lease(worker, 2)]
    assert not leased_of_ended(worker)
    for _ in range(2):
        record(refused)
    promote_due()
    assert places_of([(one.item.run_id, one.item.step_id, 1) for one in refused]) == ["open"] * len(refused)


def flaky(driver: ScriptedDriver) -> None:
    """The first attempt of step b fails, the next one is due at once."""
    driver.answer = lambda call: fail(retry_after=0) if call.step_id == "b" and call.attempt == 0 else succeed()


def test_growing_tables_are_only_looked_up_by_index(explainer: Explainer, driver: ScriptedDriver) -> None:
    deploy_function({"a": (), "b": ("a",), "c": ("a", "b")}, attempts=2)
    flaky(driver)
    with explainer.watch() as young:
        live(driver)
    assert left_over() == {}
    statements = {one.statement for one in young}
    fill()
    flaky(driver)
    with explainer.watch() as old:
        live(driver)
    assert left_over() == {"ReadyItem": MANY, "ScheduledItem": MANY}
    # The same statements, but for what this process has read already, by the same plans.
    assert statements - {one.statement for one in old} <= {one for one in statements if "datastore" in one}
    assert {one.statement for one in old} <= statements
    walking = {" ".join(one.statement.split())[:60]: (one.scans, one.pages) for one in old if walks(one)}
    assert walking == {}


def walks(one: Explained) -> bool:
    """Whether the statement went through rows that it had nothing to do with."""
    scanned = [scan for scan in one.scans if scan.table in HOT]
    rows = sum(scan.rows for scan in scanned)
    return "Seq Scan" in {scan.kind for scan in scanned} or rows > ROWS_MOST or one.pages > PAGES_MOST
