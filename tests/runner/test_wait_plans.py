"""Waits, probes and guards are looked up by index, also by plans that were made while every table was empty."""

import pytest

from apps.datastore.definition.types import Async, CancelOn, Edge, Throttle
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.probe_waits import probe_waits
from apps.state.ending import cancel_run
from apps.state.models import Run, StartGuard, Wait, WideEvent
from tests.clock import Clock
from tests.functions import deploy_steps, dev_environment
from tests.runner.acting import TTL, branches, call, send, work
from tests.state.items import execute
from tests.state.plans import Explained, Explainer

pytestmark = pytest.mark.django_db

MANY = 100_000
ROWS_MOST = 60
PAGES_MOST = 300
HOT = (
    "state_run",
    "state_step",
    "state_attempt",
    "state_history",
    "state_readyitem",
    "state_scheduleditem",
    "state_leaseditem",
    "state_wait",
    "state_probe",
    "state_wideevent",
    "state_startguard",
    "state_notstarted",
    "event_stream_event",
    "event_stream_inbox",
    "event_stream_parkedevent",
)


@pytest.fixture
def explainer(clock: Clock) -> Explainer:
    """The tables are empty, without a trace of what other tests rolled back, and the statistics say so."""
    execute(f"TRUNCATE {', '.join(HOT)}")
    execute(f"ANALYZE {', '.join(HOT)}")
    return Explainer()


def fill() -> None:
    """A past of 100,000 runs and events; as many open waits for the same events, of other values; guards, refusals."""
    environment = dev_environment().pk
    old = "FROM generate_series(1, %s) AS n"
    execute(
        "INSERT INTO event_stream_event (internal_id, environment_id, name, payload, received_at, duplicate)"
        f" SELECT n, %s, CASE n %% 2 WHEN 0 THEN 'answer' ELSE 'test/event' END, '{{}}', now(), false {old}",
        (environment, MANY),
    )
    execute(
        "INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at)"
        f" SELECT lpad(n::text, 26, '0'), %s, 1, 1, -n, 'running', now() {old}",
        (environment, MANY),
    )
    execute(
        "INSERT INTO state_step (run_id, step_id, status, item_id, attempts, queued_at)"
        f" SELECT lpad(n::text, 26, '0'), 'ask', 'open', -n, 0, now() {old}",
        (MANY,),
    )
    for name, paths in (("answer", '[["data","id"]]'), ("stop", '[["data","id"]]'), ("other", "")):
        execute(
            "INSERT INTO state_wait (run_id, environment_id, function_id, kind, sources, event_name, match, paths, key,"
            " since_seq, opened_at, expires_at, branches, status)"
            f" SELECT lpad(n::text, 26, '0'), %s, 1, 'step', 'ask', %s, 'true', %s, n, 0, now(),"
            f" now() + interval '1 year', '{{}}', 'open' {old}",
            (environment, name, paths, MANY // 2),
        )
    execute(
        "INSERT INTO state_startguard (function_id, kind, key, count, event_id, expires_at)"
        f" SELECT n %% 50, 'throttle', 'k' || n, 1, '', now() {old}",
        (MANY,),
    )
    execute(
        "INSERT INTO state_notstarted (event_seq, function_id, version_id, why, reason)"
        f" SELECT -n, 1, 1, 'throttle', '' {old}",
        (MANY,),
    )
    execute(
        "INSERT INTO state_scheduleditem (id, queue, function_id, run_id, step_id, attempt, priority, returns, due_at)"
        f" SELECT -n, 'steps', 1, lpad(n::text, 26, '0'), 'ask', 1, 0, 0, now() + interval '1 year' {old}",
        (MANY,),
    )


def live(clock: Clock) -> None:
    """Waits that end in every way, steps that are brought forward, events that are refused, a wide event."""
    for number in (1, 2, 3):
        send(id=number, who="me")
    consume_events()
    probe_waits()
    asked = call()
    send("answer", id=1)
    consume_events()
    record(asked)
    probe_waits()
    send("answer", id=2)
    send("stop", id=99)
    consume_events()
    clock.move(seconds=TTL + 1)
    work()
    for number in (4, 5, 6):
        send(id=number)
    consume_events()
    send("stop", id=4)
    consume_events()
    assert cancel_run(Run.objects.filter(id__gt="01", status="queued").order_by("-id")[0].pk, "asked for")
    work()
    send("other", id=3)
    send("wide")
    send("wide")
    work()
    send("wide-answer")
    work()
    clock.move(seconds=TTL + 1)
    work()


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("handle_event", "resume_wide_events"):
        monkeypatch.setattr(f"apps.runner.{module}.RESUMES_MOST", 1)
    own = "async.data.id == event.data.id"
    deploy_steps(
        {
            "ask": [Edge("$trigger")],
            **branches("ask", Async("answer", TTL, own)),
            "later": [Edge("$trigger", wait=600.0), Edge("ask")],
        },
        cancel=(CancelOn("stop", own),),
        throttle=Throttle(5, 1.0, "event.data.who"),
    )
    deploy_steps({"a": [Edge("$trigger", listen=Async("wide-answer", TTL))]}, slug="wide", event="wide")


@pytest.mark.usefixtures("functions")
def test_waits_probes_and_guards_are_only_looked_up_by_index(explainer: Explainer, clock: Clock) -> None:
    with explainer.watch() as young:
        live(clock)
    assert Wait.objects.filter(status="arrived").count() >= 5
    assert Wait.objects.filter(status="timed out").exists()
    assert StartGuard.objects.exists()
    assert not WideEvent.objects.exists()
    statements = {one.statement for one in young}
    named = (
        "RECURSIVE listened",
        "AS lookup",
        "state_probe",
        "expires_at <",
        "reach AS MATERIALIZED",
        "state_startguard",
        "later AS",
    )
    assert [name for name in named if not any(name in statement for statement in statements)] == []
    fill()
    with explainer.watch() as old:
        live(clock)
    assert {one.statement for one in old} <= statements
    walking = [f"{one.pages} pages, {one.scans}: {' '.join(one.statement.split())}" for one in old if walks(one)]
    assert not walking, "\n".join(walking)


def walks(one: Explained) -> bool:
    """Whether the statement went through rows that it had nothing to do with."""
    scanned = [scan for scan in one.scans if scan.table in HOT]
    rows = sum(scan.rows for scan in scanned)
    # The wait that is looked for by the clock is the first of its index: what has ended there is no row.
    large = [
        scan for scan in scanned if scan.kind == "Seq Scan" and scan.table not in ("state_wideevent", "state_probe")
    ]
    return bool(large) or rows > ROWS_MOST or one.pages > PAGES_MOST
