"""What must become of a function's runs: a simple model, written from docs/function-format.md.

It is told what happened in which order, and says which steps there are, where each is, what is waited for, and how the
run stands. It knows neither batches, nor probes, nor indexes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from apps.datastore.definition.types import TRIGGER, Async, Edge
from tests.runner.stories import CANCEL_IFS, CONDITIONS, MATCHES, WAITS, Fault, Seen, Story

ONE = timedelta(microseconds=1)


class Sent(NamedTuple):
    """An event of the stream."""

    seq: int
    name: str
    payload: dict[str, Any]
    received_at: datetime


@dataclass
class StepState:
    due: datetime
    status: str = "open"
    place: str = "scheduled"
    """While it is open: `scheduled`, `ready` or `leased`."""
    since: int | None = None
    """How far the stream had got when a worker first took it."""
    attempt: int = 1
    led_by: set[int | None] = field(default_factory=set)
    """The event that led to it; several if it does not matter which."""


@dataclass
class WaitState:
    kind: str
    sources: tuple[str, ...]
    event: str
    match: str | None
    since: int
    expires: datetime | None
    arrived: list[tuple[str, datetime]] = field(default_factory=list)
    timed_out: list[tuple[str, datetime]] = field(default_factory=list)
    status: str = "open"
    looked_back: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        return self.kind, ",".join(self.sources), self.event, self.match, self.since, self.expires


@dataclass
class RunState:
    id: str
    event: Sent
    status: str = "open"
    steps: dict[str, StepState] = field(default_factory=dict)
    waits: list[WaitState] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def seen(self, sources: tuple[str, ...], arriving: Any = None) -> Seen:
        response = self.outputs.get(sources[0]) if len(sources) == 1 else {one: self.outputs[one] for one in sources}
        return Seen(self.event.payload, self.outputs, response, arriving)

    def is_for(self, wait: WaitState, event: Sent) -> bool:
        """Whether the event is one that the wait is for."""
        in_time = event.seq > wait.since and (wait.expires is None or event.received_at <= wait.expires)
        if event.name != wait.event or not in_time:
            return False
        meaning = CANCEL_IFS if wait.kind == "cancel" else MATCHES
        try:
            return meaning[wait.match](self.seen(wait.sources, event.payload))
        except Fault:
            return False

    def open_waits(self, kind: str = "step") -> list[WaitState]:
        return [wait for wait in self.waits if wait.status == "open" and wait.kind == kind]


class Model:
    """The runs of one story."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.runs: dict[str, RunState] = {}

    def start(self, run_id: str, event: Sent, now: datetime) -> None:
        run = self.runs[run_id] = RunState(run_id, event)
        for cancel in self.story.cancel:
            until = None if cancel.timeout is None else now + timedelta(seconds=cancel.timeout)
            run.waits.append(WaitState("cancel", (TRIGGER,), cancel.event, cancel.condition, event.seq, until))
        self._follow(run, {TRIGGER: event.seq}, now)

    def record(self, done: Iterable[tuple[RunState, str]], now: datetime) -> None:
        """These attempts are over, all at once."""
        completed: dict[str, dict[str, int]] = {}
        for run, name in done:
            step = run.steps[name]
            act = self.story.act(name, step.attempt)
            if act == "ok":
                step.status, run.outputs[name] = "completed", dict(self.story.output(name))
                completed.setdefault(run.id, {})[name] = step.since or 0
            elif act == "stop" or step.attempt == self.story.attempts:
                step.status = "failed"
            else:
                step.attempt += 1
                step.place, step.due = "scheduled", now + timedelta(seconds=10 if act == "later" else 0)
        for run_id, since in completed.items():
            self._follow(self.runs[run_id], since, now)

    def _follow(self, run: RunState, since: dict[str, int], now: datetime) -> None:
        faulty: list[str] = []
        shared: dict[tuple[tuple[str, ...], Async], WaitState] = {}
        for name, edge in [(name, edge) for name, after in self.story.graph.items() for edge in after]:
            if not since.keys() & set(edge.sources) or not run.outputs.keys() | {TRIGGER} >= set(edge.sources):
                continue
            seen = run.seen(edge.sources)
            try:
                if not CONDITIONS[edge.condition](seen):
                    continue
                due = max(now, WAITS[edge.wait](seen, now))
            except Fault:
                faulty.append(name)
                continue
            if edge.listen is None:
                self._reach(run, name, due, None, now)
                continue
            wait = shared.get((edge.sources, edge.listen))
            if wait is None:
                wait = shared[edge.sources, edge.listen] = _wait(edge, edge.listen, since, now)
                run.waits.append(wait)
            (wait.timed_out if edge.on_timeout else wait.arrived).append((name, due))
        for name in faulty:
            run.steps.setdefault(name, StepState(now, "failed", led_by={None}))

    def _reach(self, run: RunState, name: str, due: datetime, event: int | None, now: datetime) -> None:
        """An edge leads here; one that is earlier than another's wait brings the step forward."""
        due = max(due, now)
        step = run.steps.get(name)
        if step is None:
            step = run.steps[name] = StepState(due)
        elif step.status != "open" or step.place != "scheduled" or step.attempt > 1:
            if step.status == "open" and step.due == now:
                step.led_by.add(event)  # both at this moment: either may be the one
            return
        elif due < step.due:
            step.due, step.led_by = due, set()
        elif due > max(step.due, now):
            return
        step.led_by.add(event)
        if step.due <= now or due == now:
            step.place = "ready"

    def end_wait(self, run: RunState, wait: WaitState, status: str, event: int | None, now: datetime) -> None:
        wait.status = status
        branch = {"arrived": wait.arrived, "timed out": wait.timed_out}.get(status, [])
        for name, due in branch if wait.kind == "step" else []:
            self._reach(run, name, due, event, now)

    def cancel(self, run: RunState) -> None:
        run.status = "cancelled"
        for step in run.steps.values():
            step.status = "cancelled" if step.status == "open" else step.status
        self._hear_no_more(run)

    def settle(self) -> None:
        """A run ends when nothing of it is queued, running or waited for."""
        for run in self.runs.values():
            states = {step.status for step in run.steps.values()}
            if run.status == "open" and "open" not in states and not run.open_waits():
                run.status = "failed" if "failed" in states else "completed"
                self._hear_no_more(run)

    def _hear_no_more(self, run: RunState) -> None:
        for wait in run.waits:
            wait.status = "cancelled" if wait.status == "open" else wait.status

    def boundaries(self, now: datetime) -> list[datetime]:
        """The moments still to come at which something is due or over."""
        found: set[datetime] = set()
        for run in self.runs.values():
            if run.status == "open":
                found |= {one.due for one in run.steps.values() if one.status == "open" and one.place == "scheduled"}
                found |= {wait.expires + ONE for wait in run.open_waits() if wait.expires}
        return sorted(one for one in found if one > now)


def _wait(edge: Edge, listen: Async, since: dict[str, int], now: datetime) -> WaitState:
    after = max(since[one] for one in edge.sources if one in since)
    expires = now + timedelta(seconds=listen.ttl)
    return WaitState("step", edge.sources, listen.event, listen.match, after, expires)
