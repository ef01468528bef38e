"""What is told of attempts of steps: what they came to, and that they take long."""

import logging
import re
import time
from collections.abc import Iterator, Sequence

import msgspec

from apps.datastore.definition.types import SDK_STEP
from apps.executor.asked import Returned, StepFailing, StepRan
from apps.executor.finished import Finished, is_sdk_version
from apps.executor.loading import Work
from apps.executor.recording import Recorded
from apps.state import telling
from apps.state.history import Entry
from apps.state.teller import tell
from apps.state.told import (
    ERROR_CHARS,
    LOG_CHARS,
    AboutStep,
    Error,
    RunEnded,
    StepRunning,
    StepTried,
    Told,
    both_ends,
    shortened,
)

log = logging.getLogger(__name__)

LONG_SECONDS = 2.0
"""A step that takes longer is told of while it runs."""

_THEN = re.compile(r"attempt \d+ of \d+ failed, (again in [\d.e+-]+ s|the last one|not to be tried again): ")
Step = tuple[str, str]
"""The run's id and the step's."""


def tell_recorded(finished: Sequence[Finished], recorded: Recorded) -> None:
    """Add the attempts to what is told when the rings for the record go out, before what they set off. Never raises:
    what is recorded must be rung for."""
    try:
        _tell_recorded(finished, recorded)
    except Exception:
        log.exception("what came of %d attempts cannot be told", len(finished))


def _tell_recorded(finished: Sequence[Finished], recorded: Recorded) -> None:
    functions = {one.item.run_id: one.function for one in finished}
    already = {(one.run, one.step_id) for one in recorded.wakes.told if isinstance(one, AboutStep)}
    entries: dict[Step, Entry] = {
        (entry.run_id, entry.step_id or ""): entry for entry in recorded.history if entry.kind.startswith("step.")
    }
    told: list[Told] = []
    outputs: dict[str, str] = {}
    for one in finished:
        for step_id, output, error in _tries(one):
            entry = entries.pop((one.item.run_id, step_id), None)
            if entry is not None:
                told.append(_tried(one, entry, output, error, recorded))
        if returned := _returned(one):
            outputs[one.item.run_id] = returned
    told += [telling.step_said(entry) for step, entry in entries.items() if step not in already]
    for ended in recorded.wakes.told:
        if isinstance(ended, RunEnded) and ended.status == "completed":
            ended.output = shortened(outputs.get(ended.run, ""))
    recorded.wakes.told[:0] = told
    telling.name_functions(recorded.wakes.told, functions)


def _tries(one: Finished) -> Iterator[tuple[str, str, Error | None]]:
    """The steps of which an attempt is over with the call: each with its output or error."""
    outcome = one.outcome
    if not outcome.ok:
        error = outcome.error
        yield one.item.step_id, "", Error(error.name, error.message, error.stack) if error else Error("Error", "")
    elif isinstance(one.answer, list):
        for opcode in one.answer:
            if isinstance(opcode, StepRan):
                yield opcode.step.step_id, opcode.value, None if opcode.ok else _error(opcode.value)
            elif isinstance(opcode, StepFailing):
                yield opcode.step.step_id, "", _error(opcode.error)
    elif outcome.output is not None:
        yield one.item.step_id, outcome.output, None


def _tried(one: Finished, entry: Entry, output: str, error: Error | None, recorded: Recorded) -> Told:
    status = entry.kind.removeprefix("step.")
    then = _THEN.search(entry.reason)
    if status not in {"completed", "failed", "retrying"} or (status == "completed" and "attempt" not in entry.reason):
        return telling.step_said(entry)
    if status != "completed" and error is None:
        error = Error("Error", entry.reason[then.end() :] if then else entry.reason)  # what it gave could not be stored
    step_id = entry.step_id or ""
    name = "" if step_id == SDK_STEP and is_sdk_version(one.version_id) else entry.step_name or step_id
    return StepTried(
        run=entry.run_id,
        step=name,
        step_id=step_id,
        status=status,
        attempt=one.item.attempt,
        attempts=one.attempts,
        seconds=(recorded.now - one.item.leased_at).total_seconds() if recorded.now else 0.0,
        output=shortened(output) if status == "completed" else "",
        error=None
        if error is None
        else Error(shortened(error.name), shortened(error.message, ERROR_CHARS), both_ends(error.stack)),
        then=then[1] if then else "",
        log=shortened(one.outcome.log, LOG_CHARS),
    )


def _error(text: str) -> Error:
    return msgspec.json.decode(text, type=Error)


def _returned(one: Finished) -> str:
    """What the function of an SDK has returned with this answer."""
    if not is_sdk_version(one.version_id):
        return ""
    if one.item.step_id == SDK_STEP and one.outcome.ok and one.outcome.opcodes is None:
        return one.outcome.output or "null"
    answer = one.answer if isinstance(one.answer, list) else []
    return next((opcode.value for opcode in answer if isinstance(opcode, Returned)), "")


class LongSteps:
    """The steps that run, to be told of once if they take long. Used by the drain's thread alone."""

    def __init__(self) -> None:
        self._running: dict[tuple[int, int], tuple[Work, float]] = {}

    def begin(self, work: Work) -> None:
        self._running[work.item.id, work.worker_id] = (work, time.monotonic())

    def end(self, leases: Sequence[tuple[int, int]]) -> None:
        if self._running:
            for lease in leases:
                self._running.pop(lease, None)

    def tell(self) -> None:
        """Tell of those that have begun to take long since it was called last."""
        if not self._running:
            return
        before = time.monotonic() - LONG_SECONDS
        long = [lease for lease, (_, began) in self._running.items() if began < before]
        tell([_running(*self._running.pop(lease)) for lease in long])


def _running(work: Work, began: float) -> StepRunning:
    item = work.item
    return StepRunning(
        run=item.run_id,
        function=work.function,
        step="" if item.step_id == SDK_STEP and work.call.runtime["type"] == "sdk" else item.step_id,
        step_id=item.step_id,
        attempt=item.attempt,
        seconds=time.monotonic() - began,
    )
