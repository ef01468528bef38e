"""Record, for SDK functions: what their answers ask for is written down, and their functions are called again.

Of each run it is first noted what becomes of it, answer by answer, in the order in which they came; then all of it is
written together (`state.sdk.book`).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from django.conf import settings

from apps.datastore.definition.types import SDK_STEP
from apps.executor.asked import CallAgain, Opcode, Returned, StepFailing, StepRan, Unsupported
from apps.executor.backoff import delay_after
from apps.executor.errors import error_text
from apps.executor.finished import Finished, is_retried, retry_of, why
from apps.executor.opcodes import BadAnswer, read_answer
from apps.executor.sdk_starts import Starts, asked_step, each_calls, names_of
from apps.state.ending import settle_runs
from apps.state.history import Entry
from apps.state.scheduling import Retry, schedule_retries
from apps.state.sdk.book import Book, StepEnd
from apps.state.sdk.progress import Progress, read_progress
from apps.state.sdk.writing import Try
from apps.state.transitions import cancel_steps
from apps.state.wakes import Wakes
from drivers.contract import Outcome, StepError

_REQUESTS = {"fetch", "infer"}


class RecordedSdk(NamedTuple):
    """What it added to the history, and the items that it recorded: those whose runs are of SDK functions."""

    history: list[Entry]
    items: set[int]


def record_sdk(finished: Sequence[Finished], queued: Collection[str], now: datetime, wakes: Wakes) -> RecordedSdk:
    """Record outcomes whose leases held, of runs that are locked and open; `queued` are those that have not begun."""
    if not finished:
        return RecordedSdk([], set())
    answers = {one.item.id: _answer(one) for one in finished}
    asked: dict[str, set[str]] = {}
    for one in finished:
        steps = asked.setdefault(one.item.run_id, {one.item.step_id})
        opcodes = answers[one.item.id] or []
        if not isinstance(opcodes, BadAnswer):
            steps.update(step.step_id for step in map(asked_step, opcodes) if step is not None)
    progress = read_progress(asked)
    recording = _Recording(now, wakes)
    for one in finished:
        of = progress.get(one.item.run_id)
        if of is not None:
            recording.take(one, of, answers[one.item.id])
    items = {one.item.id for one in finished if one.item.run_id in progress}
    return RecordedSdk(recording.write(queued), items)


def _answer(one: Finished) -> list[Opcode] | BadAnswer | None:
    if not one.outcome.ok or one.outcome.opcodes is None:
        return None
    return one.answer if one.answer is not None else read_answer(one.outcome, settings.SDK_STEPS_MAX)


class _Recording:
    """One transaction's."""

    def __init__(self, now: datetime, wakes: Wakes) -> None:
        self._now = now
        self._wakes = wakes
        self._book = Book(now)
        self._starts = Starts(now)
        self._retries: dict[int, Retry] = {}

    def take(self, one: Finished, of: Progress, opcodes: list[Opcode] | BadAnswer | None) -> None:
        """Note what becomes of a run by an outcome."""
        if of.has_ended:  # by another answer of this batch
            self._book.history.append(Entry(of.run_id, "step.dropped", "its run had ended", one.item.step_id))
            return
        if one.item.step_id == SDK_STEP:
            of.started_at = of.started_at or one.item.leased_at
        if one.outcome.request_version is not None:
            of.version = one.outcome.request_version
        if isinstance(opcodes, BadAnswer):
            self._fail(one, of, StepError("InvalidAnswer", f"the function's answer cannot be understood: {opcodes}"))
        elif opcodes is not None:
            self._answered(one, of, opcodes)
        elif not one.outcome.ok:
            self._failed(one, of)
        elif _is_of_function(one, of):
            self._returned(one, of, one.outcome.output or "null")
        else:
            self._step_ended(one, of, one.outcome.output or "null")

    def _answered(self, one: Finished, of: Progress, opcodes: list[Opcode]) -> None:
        fault = self._fault(one, of, opcodes)
        if fault is not None:
            self._fail(one, of, fault)
            return
        if of.version == 1 and of.awaits:
            # A chain of steps goes on beside others, in version 1 as with the parallel mode `race`.
            opcodes = [each_calls(opcode) for opcode in opcodes]
        # What has happened is kept, whatever is asked for beside it.
        unsupported = next((opcode.what for opcode in opcodes if isinstance(opcode, Unsupported)), None)
        if unsupported is not None:
            opcodes = [opcode for opcode in opcodes if isinstance(opcode, StepRan)]
        is_over = True
        for opcode in opcodes:
            is_over = self._take_opcode(one, of, opcode) and is_over
        if of.has_ended:
            return
        if one.item.step_id == SDK_STEP and is_over:
            of.calls -= 1
        self._book.touch(of)
        if unsupported is not None:
            fault = StepError("InvalidAnswer", f"the function's answer cannot be understood: {unsupported}")
            self._failed(one._replace(outcome=Outcome(ok=False, error=fault, retryable=False)), of)

    def _take_opcode(self, one: Finished, of: Progress, opcode: Opcode) -> bool:
        """Note what is asked for, or has happened. Whether the call is over with it; if not, it is tried again."""
        if of.has_ended:
            return True
        if isinstance(opcode, Returned):
            self._returned(one, of, opcode.value)
        elif isinstance(opcode, StepRan):
            self._ran(one, of, opcode)
        elif isinstance(opcode, StepFailing):
            return self._failing(one, of, opcode)
        elif not isinstance(opcode, CallAgain | Unsupported):
            self._starts.take(one, of, opcode, self._book)
        return True

    def _fault(self, one: Finished, of: Progress, opcodes: list[Opcode]) -> StepError | None:
        """What speaks against an answer that can be understood."""
        asked = [step for step in map(asked_step, opcodes) if step is not None]
        if len(of.open) + len(asked) > 2 * settings.SDK_STEPS_MAX:
            return StepError("TooManySteps", f"the run has {len(of.open)} open steps and asks for {len(asked)} more")
        if one.item.step_id != SDK_STEP:
            if any(_is_end_of(one.item.step_id, opcode) for opcode in opcodes):
                return None
            name = of.names.get(one.item.step_id, one.item.step_id)
            return StepError(
                "FunctionChanged",
                f"asked to run its step {name!r}, the function answered with {names_of(asked)}: it has changed under"
                " its run, or does not do the same each time",
            )
        # A function that asks for another call alone gets one, as it does after a failure: not for ever.
        returns = any(isinstance(opcode, Returned | Unsupported) for opcode in opcodes)
        is_new = returns or any(of.known.get(step.step_id, "open") == "open" for step in asked)
        if is_new or of.awaits or of.calls > 1:
            return None
        return StepError(
            "FunctionChanged",
            f"the function asks for nothing new ({names_of(asked)}): it has changed under its run, or does not do the"
            " same each time",
        )

    def _ran(self, one: Finished, of: Progress, ran: StepRan) -> None:
        step = ran.step
        end = StepEnd(
            step.step_id, "run", ran.ok, ran.value, step.name, one.item.attempt, started_at=one.item.leased_at
        )
        if not self._book.end_step(of, end):
            return
        self._note_try(one, of, step.step_id, None if ran.ok else ran.value)
        if ran.ok:
            self._book.say(of, "step.completed", step.step_id, f"attempt {one.item.attempt} succeeded")
        else:
            self._book.say(of, "step.failed", step.step_id, why(_with_error(one, ran.value), _last(one)))

    def _failing(self, one: Finished, of: Progress, failing: StepFailing) -> bool:
        """A step has failed in a call. Whether the call itself is over; if not, it is tried again."""
        step = failing.step
        if of.known.get(step.step_id, "open") != "open":
            return True
        failed = _with_error(one, failing.error)
        if not is_retried(failed):
            self._ran(one, of, StepRan(step, False, failing.error))
            return True
        delay = self._retry(failed)
        end = StepEnd(
            step.step_id, "run", False, failing.error, step.name, one.item.attempt, started_at=one.item.leased_at
        )
        self._book.note_failing(of, end)
        self._note_try(one, of, step.step_id, failing.error)
        self._book.say(of, "step.retrying", step.step_id, why(failed, f"again in {delay:.3g} s"))
        return False

    def _failed(self, one: Finished, of: Progress) -> None:
        error = error_text(one.outcome.error)
        step_id = one.item.step_id
        is_call = step_id == SDK_STEP
        if is_retried(one):
            delay = self._retry(one)
            self._note_try(one, of, step_id, error, number=None if is_call else one.item.attempt)
            self._book.say(of, "step.retrying", step_id, why(one, f"again in {delay:.3g} s"))
            self._book.touch(of)
        elif _is_of_function(one, of):
            self._note_try(one, of, step_id, error, number=None if is_call else one.item.attempt)
            self._book.say(of, "step.failed", step_id, why(one, _last(one)))
            self._book.end_function(of, None, error)
        else:
            self._step_ended(one, of, error)

    def _fail(self, one: Finished, of: Progress, error: StepError) -> None:
        self._failed(one._replace(outcome=Outcome(ok=False, error=error)), of)

    def _step_ended(self, one: Finished, of: Progress, value: str) -> None:
        """A step that is no call of the function has ended: a sleep, a request, an invoke without an answer."""
        step_id, ok = one.item.step_id, one.outcome.ok
        op = of.ops.get(step_id, "run")
        end = StepEnd(step_id, op, ok, value, attempt=one.item.attempt, started_at=one.item.leased_at)
        if not self._book.end_step(of, end):
            return
        if op in _REQUESTS:
            self._note_try(one, of, step_id, None if ok else value)
        if one.outcome.ok:
            self._book.say(of, "step.completed", step_id, "it has slept" if op == "sleep" else "it was answered")
        else:
            self._book.say(of, "step.failed", step_id, why(one, _last(one)))

    def _returned(self, one: Finished, of: Progress, value: str) -> None:
        self._note_try(one, of, SDK_STEP, None, number=None)
        self._book.end_function(of, value, None)

    def _retry(self, one: Finished) -> float:
        delay = delay_after(one.item.attempt, one.outcome.retry_after)
        # Of several steps that have failed in one call, the first says when that is tried again.
        retry = self._retries.setdefault(one.item.id, retry_of(one, self._now + timedelta(seconds=delay)))
        return (retry.due_at - self._now).total_seconds()

    def _note_try(self, one: Finished, of: Progress, step_id: str, error: str | None, number: int | None = 0) -> None:
        tried = Try(of.run_id, step_id, 0, error is None, error, one.outcome.log, one.item.leased_at)
        self._book.note_try(of, one.item.attempt if number == 0 else number, tried)

    def write(self, queued: Collection[str]) -> list[Entry]:
        """Write it all. What it added to the history."""
        book, now, wakes = self._book, self._now, self._wakes
        self._starts.check(book)
        book.write(wakes)
        over = {of.run_id for of in book.runs() if of.has_ended}
        retries = [retry for retry in self._retries.values() if retry.run_id not in over]
        schedule_retries(retries)
        wakes.due += [retry.due_at for retry in retries]
        self._starts.start(wakes)
        ended = [of for of in book.runs() if of.has_ended]
        left = [of.run_id for of in ended if of.open]
        if left:
            cancel_steps(left, now)
        begun = [of.run_id for of in book.runs() if of.run_id in queued and not of.has_ended]
        return book.history + settle_runs([*(of.run_id for of in ended), *begun], now, wakes)


def _is_end_of(step_id: str, opcode: Opcode) -> bool:
    """Whether it says what became of the step, or of the whole function."""
    if isinstance(opcode, StepRan | StepFailing):
        return opcode.step.step_id == step_id
    return isinstance(opcode, Returned | Unsupported)


def _is_of_function(one: Finished, of: Progress) -> bool:
    """Whether its item was a call of the function, for whatever comes next or for one of its steps."""
    return one.item.step_id == SDK_STEP or of.ops.get(one.item.step_id) == "run"


def _last(one: Finished) -> str:
    return "the last one" if one.outcome.retryable else "not to be tried again"


def _with_error(one: Finished, error: str) -> Finished:
    """The same attempt, as one that failed with this error of its step."""
    told = msgspec.json.decode(error, type=_Told)
    outcome = replace(one.outcome, ok=False, opcodes=None, error=StepError(told.name, told.message))
    return one._replace(outcome=outcome)


class _Told(msgspec.Struct):
    name: str
    message: str
