"""How far the runs of SDK functions have got: what decides when a function is called again.

Read with the runs locked.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from apps.datastore.definition.types import SDK_STEP


@dataclass(slots=True)
class Progress:
    """One run. What happens to it in a transaction is noted here first, and written by `Book.write`."""

    run_id: str
    function_id: int
    environment_id: int
    calls: int = 0
    """Calls of the function that are queued or under way."""
    attempts: int = 0
    """Tries of the function that ended with it, and not with one of its steps."""
    version: int | None = None
    """The version of the protocol in which the function answered last."""
    open: dict[str, str | None] = field(default_factory=dict)
    """Its open steps, and when the end of each has the function called again."""
    known: dict[str, str] = field(default_factory=dict)
    """The status of those steps that were asked for and are there."""
    ops: dict[str, str] = field(default_factory=dict)
    """What those steps are, and how they are called."""
    names: dict[str, str] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    """The queue items of its open steps."""
    status: str = "open"
    """That of the function itself."""
    output: str | None = None
    error: str | None = None
    started_at: datetime | None = None
    touched: bool = False
    each: int = 0
    """Steps that have ended just now, and for each of which the function is called."""
    wants_call: bool = False
    """Something has ended just now; the function is called unless it is held."""

    @property
    def has_ended(self) -> bool:
        return self.status != "open"

    @property
    def awaits(self) -> bool:
        """Whether a step is open whose end has the function called."""
        return any(self.open.values())

    @property
    def is_held(self) -> bool:
        """Whether the function is not called before the last of its open steps has ended. What races holds nothing."""
        return "last" in self.open.values()

    @property
    def is_racing(self) -> bool:
        """Whether a step is open whose end has the function called at once, whatever else is under way."""
        return "each" in self.open.values()

    def has_begun(self, step_id: str) -> bool:
        """Whether a step is there already, ended or not; one that fails in a call of the function has yet to begin."""
        is_failing = step_id in self.open and self.open[step_id] is None
        return step_id in self.known and not is_failing


# LATERAL keeps the look-ups to their keys.
_READ = """
SELECT run.id, run.function_id, run.environment_id, step.*
FROM state_run AS run, LATERAL (
    SELECT step_id, op, status, calls_again, item_id, calls, attempts, request_version, name FROM state_step
    WHERE run_id = run.id AND (status = 'open' OR step_id = ANY (%b::text[])) OFFSET 0
) AS step
WHERE run.id = ANY (%b::text[])
"""


def read_progress(asked: Mapping[str, Collection[str]]) -> dict[str, Progress]:
    """The progress of those of the runs that are of an SDK's function and open, with what is known of the steps asked
    for. One statement."""
    if not asked:
        return {}
    found: dict[str, Progress] = {}
    functions: set[str] = set()
    step_ids = {step_id for of_run in asked.values() for step_id in of_run}
    with connection.cursor() as cursor:
        cursor.execute(_READ, ([*step_ids, SDK_STEP], list(asked)))
        for run_id, function_id, environment_id, step_id, op, status, again, item, *rest in cursor.fetchall():
            of = found.setdefault(run_id, Progress(run_id, function_id, environment_id))
            calls, attempts, version, name = rest
            if op == "function":
                functions.add(run_id)
                of.calls, of.attempts, of.version, of.status = calls or 0, attempts, version, status
                continue
            of.known[step_id] = status
            of.ops[step_id] = op
            of.names[step_id] = name or step_id
            if status == "open":
                of.open[step_id] = again
                of.items[step_id] = item
    return {run_id: of for run_id, of in found.items() if run_id in functions}
