"""What SDK functions do looks only at its own rows, also by plans that were made while every table was empty."""

import pytest

from apps.datastore.definition.types import CancelOn
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.state.ending import cancel_run
from apps.state.models import Run, Wait
from apps.state.sdk.waiting import send_signal
from tests.clock import Clock
from tests.executor.sdk.working import called, send, work
from tests.functions import dev_environment, statuses
from tests.sdk_functions import (
    Failing,
    Race,
    SdkApp,
    StepFault,
    Steps,
    hash_of,
    invoke,
    nothing,
    run,
    serve,
    signal,
    sleep,
    wait,
)
from tests.state.items import execute
from tests.state.plans import Explained, Explainer

pytestmark = pytest.mark.django_db

MANY = 50_000
ROWS_MOST = 80
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
    "event_stream_event",
    "event_stream_inbox",
    "event_stream_parkedevent",
)
OWN = "async.data.id == event.data.id"


@pytest.fixture
def explainer(clock: Clock) -> Explainer:
    """The tables are empty, without a trace of what other tests rolled back, and the statistics say so."""
    execute(f"TRUNCATE {', '.join(HOT)}")
    execute(f"ANALYZE {', '.join(HOT)}")
    return Explainer()


def fill() -> None:
    """A past of 50,000 runs and their steps, and as many open waits, for the same events and for signals."""
    environment, function = dev_environment().pk, Run.objects.values_list("function_id", flat=True)[0]
    old = "FROM generate_series(1, %s) AS n"
    execute(
        "INSERT INTO event_stream_event (internal_id, environment_id, name, payload, received_at, duplicate)"
        f" SELECT n, %s, CASE n %% 2 WHEN 0 THEN 'answer' ELSE 'test/event' END, '{{}}', now(), false {old}",
        (environment, MANY),
    )
    execute(
        "INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at, invoker_id,"
        " invoker_step_id)"
        f" SELECT lpad(n::text, 26, '0'), %s, %s, 1, -n, 'running', now(), lpad((n + 1)::text, 26, '0'), 'i' {old}",
        (environment, function, MANY),
    )
    execute(
        "INSERT INTO state_step (run_id, step_id, status, op, calls, item_id, attempts, queued_at)"
        f" SELECT lpad(n::text, 26, '0'), 'step', 'open', 'function', 1, -n, 0, now() {old}",
        (MANY,),
    )
    execute(
        "INSERT INTO state_step (run_id, step_id, status, op, output, item_id, attempts, queued_at, ended_at,"
        f" ended_seq) SELECT lpad(n::text, 26, '0'), %s, 'completed', 'run', '1', -n, 0, now(), now(), n {old}",
        (hash_of("a"), MANY),
    )
    for kind, name, number in (("sdk", "answer", ""), ("cancel", "stop", ""), ("signal", "inngest/signal:", "n")):
        execute(
            "INSERT INTO state_wait (run_id, environment_id, function_id, kind, sources, event_name, match, paths, key,"
            " since_seq, opened_at, expires_at, branches, status)"
            f" SELECT lpad(n::text, 26, '0'), %s, 1, %s, 'w', %s {'|| n' if number else ''}, 'true', %s, n, 0, now(),"
            f" now() + interval '1 year', '{{}}', 'open' {old}",
            (environment, kind, name, "" if number else '[["data","id"]]', MANY),
        )
    for table, extra, value in (("scheduled", ", due_at", ", now() + interval '1 year'"), ("ready", "", "")):
        execute(
            f"INSERT INTO state_{table}item (id, queue, function_id, run_id, step_id, attempt, priority,"
            f" returns{extra}) SELECT -n, 'other', 1, lpad(n::text, 26, '0'), 'ask', 1, 0, 0{value} {old}",
            (MANY,),
        )


codes: dict[int, Failing] = {}
"""Of each run's step that fails once."""


def program(event: dict[str, dict[str, int]]) -> Steps:
    number = event["data"]["id"]
    yield run("a")
    yield [run("b"), run("c", codes.setdefault(number, Failing(1)))]
    yield sleep("s", "10s")
    yield wait("w", "answer", "1h", OWN)
    yield signal("go", f"go-{number}", "1h", "replace")
    yield Race([invoke("i", "callee", timeout="1h"), run("d")])
    try:
        yield invoke("j", "callee", {"fails": True})
    except StepFault:
        yield signal("never", "never", "1m")


def callee(event: dict[str, dict[str, object]]) -> Steps:
    yield run("x")
    if event["data"].get("fails"):
        raise StepFault("no")


def live(clock: Clock) -> None:
    """Runs that end in every way, by steps of every kind."""
    codes.clear()
    for number in (1, 2, 3, 4):
        send(id=number)
    consume_events()
    record(called())
    work()
    clock.move(seconds=60)
    work()
    clock.move(seconds=11)
    work()
    asked = (
        Run.objects.filter(id__gt="01", function__slug="app-fn", ended_at=None)
        .order_by("-id")
        .values_list("pk", flat=True)
    )
    send("answer", id=1)
    send("answer", id=2)
    send("stop", id=3)
    work()
    assert cancel_run(max(asked), "asked for")
    for number in (1, 2):
        assert send_signal(dev_environment().pk, f"go-{number}", b"1")
    work()
    clock.move(hours=2)
    work()


def test_what_sdk_functions_do_is_looked_up_by_index(explainer: Explainer, app: SdkApp, clock: Clock) -> None:
    serve(app, program, attempts=2, cancel=(CancelOn("stop", OWN),))
    serve(app, callee, "callee", event="")
    serve(app, nothing, "listener", event="inngest/function.finished")
    with explainer.watch() as young:
        live(clock)
    found = statuses()
    assert found["cancelled"] == 2
    assert found["completed"] >= 4
    assert Wait.objects.filter(kind="signal", status="arrived").count() == 2
    statements = {one.statement for one in young}
    named = (
        "PARTITION BY run_id",
        "request_version, name FROM state_step",
        "state_step_ended_seq",
        "called AS",
        "pg_advisory_xact_lock",
        "kind = 'signal'",
        "status = 'cancelled'",
        "run.invoker_step_id",
        "retry AS",
    )
    assert [name for name in named if not any(name in statement for statement in statements)] == []
    fill()
    with explainer.watch() as old:
        live(clock)
    assert {one.statement for one in old} <= statements
    walking = {f"{one.pages} pages, {one.scans}: {' '.join(one.statement.split())[:300]}" for one in old if walks(one)}
    assert not walking, "\n".join(walking)


def walks(one: Explained) -> bool:
    """Whether the statement went through rows that it had nothing to do with."""
    scanned = [scan for scan in one.scans if scan.table in HOT]
    rows = sum(scan.rows for scan in scanned)
    large = [scan for scan in scanned if scan.kind == "Seq Scan" and scan.table != "state_probe"]
    return bool(large) or rows > ROWS_MOST or one.pages > PAGES_MOST
