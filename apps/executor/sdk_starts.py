"""Steps of SDK functions begin here: planned calls, sleeps, waits, signals, invokes, requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from apps.datastore.definition.scopes import CANCEL_NAMES
from apps.datastore.definition.types import TRIGGER
from apps.datastore.live_functions import find_live
from apps.event_stream.new_event import make_event
from apps.executor.asked import (
    Asked,
    CallAgain,
    Invoke,
    Opcode,
    Request,
    Returned,
    RunStep,
    Sleep,
    Unsupported,
    WaitForEvent,
    WaitForSignal,
    moment_after,
)
from apps.executor.errors import error_text
from apps.executor.finished import Finished
from apps.expressions import Allowance
from apps.state import teller, telling
from apps.state.sdk.book import Book, StepEnd
from apps.state.sdk.invoking import INVOKED, Invocation, start_invoked
from apps.state.sdk.planning import CALL_QUEUE, PlannedOp
from apps.state.sdk.progress import Progress
from apps.state.sdk.waiting import Signal, name_of_signal, taken_signals
from apps.state.values import VALUES_AT_ONCE, read_values
from apps.state.waits import NewWait, open_waits
from apps.state.wakes import Wakes
from apps.state.walking import WALK_BUDGET, Branches, Listening, WaitKey, key_of
from drivers.contract import StepError
from drivers.registry import queue_for

_REQUESTS = queue_for("gateway")


def asked_step(opcode: Opcode) -> Asked | None:
    """The step that an opcode is about; None if it is about the function."""
    step: Asked | None = getattr(opcode, "step", None)
    return step


def each_calls(opcode: Opcode) -> Opcode:
    """The same, but with the function called at once when the step ends."""
    if isinstance(opcode, Returned | CallAgain | Unsupported):
        return opcode
    return opcode._replace(step=opcode.step._replace(calls_again="each"))


class _Waiting(NamedTuple):
    """A wait to be opened."""

    of: Progress
    step_id: str
    kind: str
    since_seq: int
    event: str
    match: str | None
    expires_at: datetime


class Starts:
    """One transaction's."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._waits: list[_Waiting] = []
        self._signals: list[tuple[Finished, Progress, WaitForSignal]] = []
        self._invokes: list[tuple[Progress, Invoke]] = []
        self._invocations: list[Invocation] = []
        self._sleeps: list[tuple[Progress, Asked, datetime]] = []

    def take(self, one: Finished, of: Progress, opcode: Opcode, book: Book) -> None:
        """Note a step that is to begin; nothing, if it is known."""
        if isinstance(opcode, RunStep):
            book.plan(of, _op(of, opcode.step, "run")._replace(queue=CALL_QUEUE))
        elif isinstance(opcode, Sleep):
            due_at = moment_after(self._now, opcode.until)
            if book.plan(of, _op(of, opcode.step, "sleep")._replace(queue=CALL_QUEUE, due_at=due_at)):
                self._sleeps.append((of, opcode.step, due_at))
        elif isinstance(opcode, Request):
            book.plan(of, _op(of, opcode.step, opcode.op)._replace(queue=_REQUESTS, input=opcode.opts))
        elif isinstance(opcode, WaitForEvent):
            if book.plan(of, _op(of, opcode.step, "waitForEvent")):
                expires_at = moment_after(self._now, opcode.timeout)
                step_id, since = opcode.step.step_id, one.item.since_seq
                self._waits.append(_Waiting(of, step_id, "sdk", since, opcode.event, opcode.match, expires_at))
        elif isinstance(opcode, WaitForSignal):
            self._signals.append((one, of, opcode))
        elif isinstance(opcode, Invoke):
            self._invokes.append((of, opcode))

    def check(self, book: Book) -> None:
        """Note the signals and invokes, or that their steps have failed: whether they can begin was not known yet.

        What a run asked for that has ended with the same answer, or the next, does not begin.
        """
        self._waits = [wait for wait in self._waits if not wait.of.has_ended]
        self._signals = [asked for asked in self._signals if not asked[1].has_ended]
        self._invokes = [asked for asked in self._invokes if not asked[0].has_ended]
        self._check_signals(book)
        self._check_invokes(book)

    def _check_signals(self, book: Book) -> None:
        signals = [
            Signal(of.environment_id, asked.signal, asked.replaces)
            for _, of, asked in self._signals
            if not of.has_begun(asked.step.step_id)
        ]
        taken = taken_signals(signals)
        ours: dict[tuple[int, str], int] = {}
        for one, of, asked in self._signals:
            if of.has_begun(asked.step.step_id):
                continue
            key = (of.environment_id, asked.signal)
            if key in taken and not asked.replaces:
                error = StepError("SignalConflict", f"another run waits for the signal {asked.signal!r} already")
                _fail(book, of, _op(of, asked.step, "waitForSignal"), error)
                continue
            if key in ours:  # a run of this batch waits in vain from now on
                self._waits[ours[key]] = self._waits[ours[key]]._replace(kind="sdk")
            taken.add(key)
            ours[key] = len(self._waits)
            if book.plan(of, _op(of, asked.step, "waitForSignal")):
                expires_at = moment_after(self._now, asked.timeout)
                since, name = one.item.since_seq, name_of_signal(asked.signal)
                self._waits.append(_Waiting(of, asked.step.step_id, "signal", since, name, None, expires_at))

    def _check_invokes(self, book: Book) -> None:
        live = find_live({(of.environment_id, asked.function_id) for of, asked in self._invokes})
        for of, asked in self._invokes:
            if of.has_begun(asked.step.step_id):
                continue
            function = live.get((of.environment_id, asked.function_id))
            if function is None:
                error = StepError("FunctionNotFound", f"there is no function {asked.function_id!r} to invoke")
                _fail(book, of, _op(of, asked.step, "invoke"), error)
                continue
            due_at = None if asked.timeout is None else moment_after(self._now, asked.timeout)
            op = _op(of, asked.step, "invoke")
            if due_at is not None:
                op = op._replace(queue=CALL_QUEUE, due_at=due_at)
            if book.plan(of, op):
                event = make_event(
                    of.environment_id, INVOKED, msgspec.Raw(asked.data), user=msgspec.Raw(asked.user), v=asked.v
                )
                reason = f"invoked by run {of.run_id}"
                self._invocations.append(Invocation(function, event, reason, of.run_id, asked.step.step_id))

    def start(self, wakes: Wakes) -> None:
        """Open the waits and start what is invoked, after their steps have been written."""
        waits = self._listen()
        open_waits(waits, self._now)
        if teller.is_on():
            names = {(wait.of.run_id, wait.step_id): wait.of.names.get(wait.step_id) for wait in self._waits}
            wakes.told += [telling.waiting(wait, names[wait.run_id, wait.listening.sources]) for wait in waits]
            wakes.told += [
                telling.sleeping(of.run_id, step.step_id, until, step.name)
                for of, step, until in self._sleeps
                if not of.has_ended
            ]
        wakes.probes += len(self._waits)
        wakes.expiring += [wait.expires_at for wait in self._waits]
        start_invoked(self._invocations, self._now, wakes)

    def _listen(self) -> list[NewWait]:
        keys: dict[tuple[str, str], WaitKey] = {}
        by_run: dict[str, list[_Waiting]] = {}
        for wait in self._waits:
            if wait.match is not None:
                by_run.setdefault(wait.of.run_id, []).append(wait)
        run_ids = list(by_run)
        # Without a key a wait is looked at for every event of its name: what costs too much here is left to then.
        allowance = Allowance(WALK_BUDGET)
        for start in range(0, len(run_ids), VALUES_AT_ONCE):
            for run_id, values in read_values(run_ids[start : start + VALUES_AT_ONCE], with_outputs=False).items():
                reader = values.reader(allowance)
                for wait in by_run[run_id]:
                    keys[run_id, wait.step_id] = key_of(wait.match, CANCEL_NAMES, reader, [TRIGGER], self._now)
        return [_new_wait(wait, keys.get((wait.of.run_id, wait.step_id), WaitKey("", 0))) for wait in self._waits]


def _new_wait(wait: _Waiting, key: WaitKey) -> NewWait:
    listening = Listening(wait.step_id, wait.event, wait.match, key, wait.expires_at, Branches())
    of = wait.of
    return NewWait(of.run_id, of.environment_id, of.function_id, wait.kind, wait.since_seq, listening)


def _op(of: Progress, step: Asked, op: str) -> PlannedOp:
    """A step that ends without a worker's doing, unless it gets a queue."""
    return PlannedOp(of.run_id, of.function_id, step.step_id, op, step.name, step.calls_again, None)


def _fail(book: Book, of: Progress, op: PlannedOp, error: StepError) -> None:
    of.open[op.step_id] = op.calls_again
    if book.end_step(of, StepEnd(op.step_id, op.op, False, error_text(error), op.name)):
        book.say(of, "step.failed", op.step_id, error.message)


def names_of(steps: Sequence[Asked]) -> str:
    """Steps by name, for a message."""
    if not steps:
        return "no step"
    return ", ".join(repr(step.name[:100]) for step in steps[:5]) + (" and more" if len(steps) > 5 else "")
