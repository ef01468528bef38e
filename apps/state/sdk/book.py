"""What becomes of runs of SDK functions in one transaction: steps end, others begin, functions are called again.

It is collected here, run by run, and written in a few statements, whatever the number of runs. The runs are locked.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from apps.datastore.definition.types import SDK_STEP
from apps.state import teller, telling
from apps.state.history import Entry
from apps.state.queue import remove_items
from apps.state.sdk.planning import CALL, PlannedOp, plan_ops
from apps.state.sdk.progress import Progress
from apps.state.sdk.writing import StepRow, Try, write_steps
from apps.state.wakes import Wakes


class StepEnd(NamedTuple):
    """A step has ended. `value` is JSON text: its output, or its error."""

    step_id: str
    op: str
    ok: bool
    value: str
    name: str | None = None
    attempt: int = 0
    event_seq: int | None = None
    """Its output is this event."""
    started_at: datetime | None = None


class Book:
    """Collects; `write` writes it all."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.history: list[Entry] = []
        self._runs: dict[str, Progress] = {}
        self._steps: list[StepRow] = []
        self._tries: list[Try] = []
        self._planned: list[PlannedOp] = []
        self._gone: list[int] = []

    def touch(self, of: Progress) -> None:
        """The run's own row is to be written."""
        of.touched = True
        self._runs[of.run_id] = of

    def end_step(self, of: Progress, end: StepEnd) -> bool:
        """Memoise what a step came to. False, and nothing is noted, if it had ended before."""
        if of.known.get(end.step_id, "open") != "open":
            return False
        status = "completed" if end.ok else "failed"
        output, error = (end.value, None) if end.ok else (None, end.value)
        self._steps.append(
            StepRow(
                of.run_id,
                end.step_id,
                end.op,
                end.name,
                status,
                output,
                error,
                end.event_seq,
                end.attempt,
                end.started_at,
            )
        )
        again = of.open.pop(end.step_id, None)
        of.known[end.step_id] = status
        if end.name is not None:
            of.names[end.step_id] = end.name
        item = of.items.pop(end.step_id, 0)
        if item and end.op == "invoke":
            self._gone.append(item)  # it would have timed out
        if again == "each":
            of.each += 1
        else:
            of.wants_call = True
        self.touch(of)
        return True

    def note_failing(self, of: Progress, end: StepEnd) -> None:
        """A step has failed in a call of the function that is tried again: it is open, and nobody waits for it."""
        self._steps.append(
            StepRow(
                of.run_id,
                end.step_id,
                end.op,
                end.name,
                "open",
                None,
                end.value,
                None,
                end.attempt,
                end.started_at,
            )
        )
        of.open.setdefault(end.step_id, None)
        of.known[end.step_id] = "open"
        of.names[end.step_id] = end.name or end.step_id

    def note_try(self, of: Progress, number: int | None, one: Try) -> None:
        """Keep an attempt; without a number it is the function's own, and gets the next one."""
        if number is None:
            of.attempts += 1
            number = of.attempts
            self.touch(of)
        self._tries.append(one._replace(number=number))

    def say(self, of: Progress, kind: str, step_id: str, reason: str) -> None:
        """Add a line to the run's history."""
        named = f"{of.names[step_id]}: {reason}" if step_id in of.names else reason
        # An error's message may have what no text column takes.
        name = of.names.get(step_id)
        self.history.append(Entry(of.run_id, kind, named.replace("\0", "\ufffd"), step_id, name))

    def plan(self, of: Progress, op: PlannedOp) -> bool:
        """A step is to begin. False, and nothing is noted, if it is known already."""
        if of.has_begun(op.step_id):
            return False
        self._planned.append(op)
        of.known[op.step_id] = "open"
        of.names[op.step_id] = op.name
        of.open[op.step_id] = op.calls_again
        self.touch(of)
        return True

    def end_function(self, of: Progress, output: str | None, error: str | None) -> None:
        """The function has returned, or failed for good: with it the run ends."""
        of.status = "failed" if output is None else "completed"
        of.output, of.error = output, error
        self.touch(of)

    def runs(self) -> Iterable[Progress]:
        """Those to which something has happened."""
        return self._runs.values()

    def write(self, wakes: Wakes) -> None:
        """Write it all, and call the functions of which something has ended."""
        for of in self._runs.values():
            self._call_again(of)
        write_steps(
            [*self._steps, *(_function_row(of) for of in self._runs.values())], self._tries, self.history, self.now
        )
        plan_ops(self._planned, self.now, wakes)
        remove_items(self._gone)

    def _call_again(self, of: Progress) -> None:
        if of.has_ended:
            return
        # Of calls that may be under way at once none may run a step: another could run the same.
        if of.each:
            self._call(of, of.each, plan_only=True)
        elif of.wants_call and not of.is_held:
            self._call(of, 1, plan_only=of.calls > 0 or of.is_racing)
        of.each, of.wants_call = 0, False

    def _call(self, of: Progress, count: int, *, plan_only: bool) -> None:
        of.calls += count
        self._planned += [CALL._replace(run_id=of.run_id, function_id=of.function_id, plan_only=plan_only)] * count


def _function_row(of: Progress) -> StepRow:
    return StepRow(
        of.run_id,
        SDK_STEP,
        "function",
        None,
        of.status,
        of.output,
        of.error,
        None,
        of.attempts,
        of.started_at,
        of.calls,
        of.version,
    )


def finish_steps(runs: Sequence[tuple[Progress, StepEnd, str]], now: datetime, wakes: Wakes) -> list[Entry]:
    """End steps that ended outside of a call: each with its run, and why for the history. What it added to that."""
    book = Book(now)
    for of, end, reason in runs:
        if not of.has_ended and book.end_step(of, end):
            book.say(of, "step.completed" if end.ok else "step.failed", end.step_id, reason)
            if teller.is_on():
                told = telling.step_said(book.history[-1], end.value if end.ok else "")
                telling.name_functions([told], telling.functions_of({of.run_id: of.function_id}))
                wakes.told.append(told)
    book.write(wakes)
    return book.history
