"""Work in this process until nothing is left to do at this moment; what runs came to."""

import json
from typing import Any

from apps.executor.finished import Finished
from apps.executor.loading import Loaded, load
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.state import queue
from apps.state.models import History, Run, ScheduledItem, Step, Wait
from apps.state.scheduling import promote_due
from drivers.contract import Abort
from drivers.registry import driver_for
from tests.functions import append, left_over
from tests.state.items import QUEUE, add_worker, execute


def work(most: int = 10_000, rounds: int = 300) -> None:
    """Consume, probe, time out and call until nothing is left; `most` items a claim."""
    worker_id = add_worker()
    for _ in range(rounds):
        done = consume_events()
        probe_waits()
        expire_waits()
        promote_due()
        finished = call(worker_id, most)
        if finished is None and not done:
            return
        if finished:
            record(finished)
    raise AssertionError("it goes round for ever")


def call(worker_id: int, most: int = 10_000) -> list[Finished] | None:
    """Claim and call once; what is over, not recorded. None if nothing was ready."""
    loaded = claim(worker_id, most)
    return None if loaded is None else answered(loaded)


def claim(worker_id: int, most: int = 10_000) -> Loaded | None:
    """Claim once, and load; None if nothing was ready. What has ended is dropped, as the drain does it."""
    items = queue.claim(QUEUE, worker_id, most, 0)
    if not items:
        return None
    loaded = load(items, worker_id)
    queue.finish([(item.id, worker_id) for item in loaded.ended])
    return loaded


def answered(loaded: Loaded) -> list[Finished]:
    """The calls are made. What is over, not recorded."""
    called = [one.finish(driver_for(one.call.runtime["type"]).run(one.call, Abort())) for one in loaded.work]
    return [*loaded.over, *called]


def called(worker_id: int | None = None) -> list[Finished]:
    """The calls of all that is ready, which there is; not recorded."""
    finished = call(add_worker() if worker_id is None else worker_id)
    assert finished is not None
    return finished


def work_through_retries() -> None:
    """Work, and let every retry be due at once."""
    work()
    while ScheduledItem.objects.exists():
        execute("UPDATE state_scheduleditem SET due_at = now()")
        work()


def start(runs: int = 1, **data: Any) -> list[str]:
    """Start runs, numbered by `n`; their ids in this order. Nothing is called yet."""
    seqs = [send(n=number, **data) for number in range(runs)]
    consume_events()
    by_event = dict(Run.objects.values_list("event_seq", "id"))
    return [by_event[seq] for seq in seqs]


def send(name: str = "test/event", **data: Any) -> int:
    return append(name, json.dumps({"name": name, "data": data, "id": "e", "ts": 1}))[0]


def the_run(slug: str = "app-fn") -> Run:
    return Run.objects.get(function__slug=slug)


def output_of(run: Run) -> Any:
    """What its function returned, or its error."""
    row = Step.objects.get(run_id=run.pk, step_id="step")
    return json.loads(row.output or row.error or "null")


def ended(slug: str = "app-fn") -> tuple[str, Any]:
    """The only run of a function: its status and what it came to. Nothing of it is left over."""
    run = the_run(slug)
    assert not Step.objects.filter(run_id=run.pk, status="open").exists()
    assert not Wait.objects.filter(run_id=run.pk, status="open").exists()
    assert left_over() == {}
    return run.status, output_of(run)


def told(run: Run, *kinds: str) -> list[str]:
    """The reasons in a run's history, of these kinds or of all, in order."""
    entries = History.objects.filter(run_id=run.pk).order_by("id")
    return [entry.reason for entry in entries if not kinds or entry.kind in kinds]


def story(run: Run) -> list[tuple[str, str]]:
    """A run's history, in order: kind and reason."""
    return list(History.objects.filter(run_id=run.pk).order_by("id").values_list("kind", "reason"))


def step_of(run: Run, step_id: str) -> Step:
    return Step.objects.get(run_id=run.pk, step_id=step_id)


def events(name: str) -> list[dict[str, Any]]:
    """The data of the events of this name, in the order of the stream."""
    rows = execute("SELECT payload FROM event_stream_event WHERE name = %s ORDER BY seq", (name,))
    return [json.loads(str(row[0]))["data"] for row in rows]
