"""What happens to functions that wait, a verb each, on this thread's connection."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from apps.datastore.definition.types import TRIGGER, Async, Edge
from apps.event_stream.consuming import take_these
from apps.executor.finished import Finished
from apps.executor.recording import record
from apps.runner import consume_events as consuming
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.runner.resume_wide_events import resume_wide_events
from apps.state.models import History, Run, Step, Wait
from apps.state.scheduling import promote_due
from drivers.contract import Outcome
from tests.executor.finishing import lease, with_outcome
from tests.functions import append, succeed
from tests.state.items import add_worker

TTL = 60.0
ANSWER = Async("answer", TTL, "async.data.id == event.data.id")


def send(name: str = "test/event", **data: Any) -> int:
    return append(name, json.dumps({"name": name, "data": data}))[0]


def branches(after: str = TRIGGER, listen: Async = ANSWER) -> dict[str, list[Edge]]:
    """Of `yes` and `no` one runs: `yes` if the answer comes."""
    return {"yes": [Edge(after, listen=listen)], "no": [Edge(after, listen=listen, on_timeout=True)]}


def consume_these(*seqs: int) -> int:
    """Consume these events, as one consumer that got them in its batch."""
    return consuming._consume(partial(take_these, seqs))


def waiting(runs: int, **data: Any) -> list[str]:
    """Start so many runs, with the ids 0, 1, …, and let their waits look back. Returns the runs' ids."""
    seqs = [send(id=number, **data) for number in range(runs)]
    consume_events()
    probe_waits()
    by_event = dict(Run.objects.values_list("event_seq", "id"))
    return [by_event[seq] for seq in seqs]


def call(outcomes: Mapping[str, Outcome] | None = None) -> list[Finished]:
    """Lease what is ready; the calls are over, with these outcomes by step. Nothing is recorded."""
    given = outcomes or {}
    return [with_outcome(one, given.get(one.item.step_id, succeed())) for one in lease(add_worker())]


def work(outcomes: Mapping[str, Outcome] | None = None) -> None:
    """Consume, probe, time out and run until nothing is left to do at this moment."""
    while True:
        done: int = consume_events()
        probe_waits()
        resume_wide_events()
        expire_waits()
        promote_due()
        if finished := call(outcomes):
            record(finished)
        if not done and not finished:
            return


def in_order(finished: Sequence[Finished], run_ids: Sequence[str]) -> list[dict[str, Finished]]:
    """The finished calls of each run, by step."""
    found: dict[str, dict[str, Finished]] = {run_id: {} for run_id in run_ids}
    for one in finished:
        found[one.item.run_id][one.item.step_id] = one
    return [found[run_id] for run_id in run_ids]


def ran() -> dict[str, int]:
    """In how many runs each step has completed."""
    found: dict[str, int] = {}
    for step_id in Step.objects.filter(status="completed").values_list("step_id", flat=True).order_by("step_id"):
        found[step_id] = found.get(step_id, 0) + 1
    return found


def planned(step_id: str) -> int:
    return Step.objects.filter(step_id=step_id).count()


def wait_statuses(kind: str = "step") -> dict[str, int]:
    found: dict[str, int] = {}
    for status in Wait.objects.filter(kind=kind).values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


def told(kind: str) -> int:
    return History.objects.filter(kind=kind).count()
