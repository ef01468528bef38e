"""Reading how far a run has got, and telling of the steps that it has not reached."""

from collections import defaultdict

import msgspec
from django.db import connection

from apps.core_api.answers import Step
from apps.core_api.reachability import KnownWait, Reached, reason_skipped, unreached_steps
from apps.datastore.definition.types import FunctionDefinition
from apps.state.models import History
from apps.state.walking import Branch, Branches

_branches = msgspec.json.Decoder(Branches)

# One statement, so that all is of one moment: between two of them a step may be reached, and would seem not to be.
_REACHED = """
SELECT ARRAY(SELECT ARRAY[step_id, status] FROM state_step WHERE run_id = %(run)s),
       ARRAY(SELECT ARRAY[sources, event_name, match, status, branches]
             FROM state_wait WHERE run_id = %(run)s AND kind = 'step' ORDER BY id)
"""


def load_reached(run_id: str) -> Reached:
    """How far the run has got."""
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, {"run": run_id})
        steps, waits = cursor.fetchone() or ([], [])
    return Reached(dict(steps), [_known(*wait) for wait in waits])


def _known(sources: str, event: str, match: str | None, status: str, text: str) -> KnownWait:
    branches = _branches.decode(text)
    return KnownWait(
        tuple(sources.split(",")), event, match, status, _step_ids(branches.arrived), _step_ids(branches.timed_out)
    )


def _step_ids(branches: tuple[Branch, ...]) -> frozenset[str]:
    return frozenset(branch.step_id for branch in branches)


def load_unreached(run_id: str, definition: FunctionDefinition, reached: Reached) -> list[Step]:
    """The declared steps that the run has not reached, in the document's order; skipped are those it never will."""
    unreached = unreached_steps(definition, reached)
    skipped = {step_id for step_id, may_be_reached in unreached.items() if not may_be_reached}
    told: defaultdict[str | None, list[str]] = defaultdict(list)
    if skipped:
        entries = History.objects.filter(run_id=run_id, kind="step.not_reached").order_by("run_id", "pk")
        for step_id, reason in entries.values_list("step_id", "reason"):
            told[step_id].append(reason)
    steps = []
    for step_id in unreached:
        step = definition.steps[step_id]
        if step_id in skipped:
            reason = reason_skipped(step, reached, skipped, told[step_id])
            steps.append(Step(id=step_id, name=step.name, status="Skipped", reason=reason))
        else:
            steps.append(Step(id=step_id, name=step.name, status="Pending"))
    return steps
