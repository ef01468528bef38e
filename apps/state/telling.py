"""What is told of runs and waits, from what state knows of them. Called in the transactions in which it happens."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from django.db import connection

from apps.datastore.versions import load_version
from apps.state.history import Entry
from apps.state.not_started import Refusal
from apps.state.teller import is_watched
from apps.state.told import AboutRun, NotStarted, RunEnded, RunStarted, Sleeping, StepSaid, Told, Waiting, shortened
from apps.state.waits import EndedWait, NewWait


def started(run_id: str, version_id: int, reason: str) -> RunStarted:
    version = load_version(version_id)
    return RunStarted(run=run_id, function=version.definition.id, version=version.number, reason=reason)


def not_started(refusal: Refusal, event_id: str) -> NotStarted:
    version = load_version(refusal.version_id)
    return NotStarted(event_id=event_id, function=version.definition.id, reason=shortened(refusal.reason))


def ended(history: Iterable[Entry], now: datetime) -> list[RunEnded]:
    """Those of the entries that tell of a run's end."""
    return [
        RunEnded(
            run=entry.run_id,
            status=entry.kind.removeprefix("run."),
            seconds=max(0.0, now.timestamp() - began_at(entry.run_id)),
            reason=shortened(entry.reason),
        )
        for entry in history
        if entry.kind in {"run.completed", "run.failed", "run.cancelled"}
    ]


_DIGITS = {digit: value for value, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def began_at(run_id: str) -> float:
    """When the run was made, in seconds since 1970: its id says it."""
    milliseconds = 0
    for digit in run_id[:10]:
        milliseconds = milliseconds << 5 | _DIGITS.get(digit, 0)
    return milliseconds / 1_000


def waiting(wait: NewWait, step: str | None = None) -> Waiting:
    """A wait that is opened; of an SDK's function with the name of the step."""
    what = wait.listening
    return Waiting(
        run=wait.run_id,
        step=what.sources if step is None else step,
        step_id=what.sources,
        event_name=what.event_name,
        match=shortened(what.match or ""),
        until=what.expires_at.timestamp() if what.expires_at else 0.0,
    )


def sleeping(run_id: str, step_id: str, until: datetime, step: str | None = None) -> Sleeping:
    """A step that begins later; of an SDK's function with its name."""
    return Sleeping(run=run_id, step=step_id if step is None else step, step_id=step_id, until=until.timestamp())


def step_said(entry: Entry, output: str = "") -> StepSaid:
    """An entry about a step."""
    step_id = entry.step_id or ""
    return StepSaid(
        run=entry.run_id,
        step=step_id if entry.step_name is None else entry.step_name,
        step_id=step_id,
        status=entry.kind.removeprefix("step."),
        reason=shortened(entry.reason.removeprefix(f"{entry.step_name}: ")),
        output=shortened(output),
    )


def wait_ended(wait: EndedWait) -> StepSaid:
    """A wait of a declared function is over."""
    status = "timed_out" if wait.event_seq is None else "completed"
    return StepSaid(run=wait.run_id, step=wait.sources, step_id=wait.sources, status=status, reason=wait.reason)


def name_functions(told: Sequence[Told], functions: Mapping[str, str]) -> None:
    """Say of which function the runs are, by their ids, where that is not said yet."""
    for one in told:
        if isinstance(one, AboutRun) and not one.function:
            one.function = functions.get(one.run, "")


def functions_of(numbers: Mapping[str, int]) -> dict[str, str]:
    """The ids of the functions of runs, by the runs' ids, if a person looks on: it costs a query for each function."""
    return {run_id: _slug(number) for run_id, number in numbers.items()} if is_watched() else {}


@lru_cache(maxsize=10_000)
def _slug(function_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug FROM datastore_function WHERE id = %s", (function_id,))
        row = cursor.fetchone()
    return str(row[0]) if row else ""
