"""A run's output, which is not stored: it is its steps'."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec
from django.db import connection

from apps.core_api.rendering import raw
from apps.datastore.definition.types import FunctionDefinition, from_json, leaf_steps
from apps.datastore.models import FunctionVersion
from apps.state.models import RunStatus

MAX_BYTES = 16 * 1024 * 1024
"""Texts in one answer; the one that goes past it is the last."""


class Ended(Protocol):
    """What an outcome depends on."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def version_id(self) -> int: ...


class Outcome(NamedTuple):
    output: msgspec.Raw | None
    omitted: bool


NOTHING = Outcome(None, omitted=False)

# The step that failed first says why its run failed; what came later may be due to the same. An SDK's function says so
# itself: it may have caught the errors of its steps. LIMIT 1 has each step looked up by its key: a plain join may be
# planned, while the table is small, to hash the whole of it.
_TEXTS = """
WITH wanted AS (
    SELECT leaf.run_id, leaf.step_id, step.output AS text
    FROM unnest(%s::text[], %s::text[]) AS leaf (run_id, step_id) CROSS JOIN LATERAL (
        SELECT output FROM state_step
        WHERE run_id = leaf.run_id AND step_id = leaf.step_id AND status = 'completed' LIMIT 1
    ) AS step
  UNION ALL
    SELECT failed.run_id, first.step_id, first.error
    FROM unnest(%s::text[]) AS failed (run_id) CROSS JOIN LATERAL (
        SELECT step_id, error FROM state_step WHERE run_id = failed.run_id AND status = 'failed'
        ORDER BY op IS DISTINCT FROM 'function', ended_at, step_id LIMIT 1
    ) AS first
), measured AS (
    SELECT *, sum(octet_length(text)) OVER (ORDER BY run_id DESC, step_id) - octet_length(text) AS bytes_before
    FROM wanted
)
SELECT run_id, step_id, CASE WHEN bytes_before < %s THEN text END FROM measured ORDER BY run_id DESC, step_id
"""


def outcomes_of(runs: Sequence[Ended]) -> dict[str, Outcome]:
    """The outcome of each run that has one, in two statements at most.

    A completed run's is the output of the step that nothing follows; of several, an object by step. A failed run's is
    its error, a cancelled one's is nothing.
    """
    completed = {run.id: run.version_id for run in runs if run.status == RunStatus.COMPLETED}
    failed = [run.id for run in runs if run.status == RunStatus.FAILED]
    if not completed and not failed:
        return {}
    definitions = definitions_of(completed.values())
    leaves = {
        run_id: _leaf_ids(definitions[version]) for run_id, version in completed.items() if version in definitions
    }
    pairs = [(run_id, step_id) for run_id, step_ids in leaves.items() for step_id in step_ids]
    texts: dict[str, dict[str, str | None]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, ([run_id for run_id, _ in pairs], [step_id for _, step_id in pairs], failed, MAX_BYTES))
        for run_id, step_id, text in cursor.fetchall():
            texts.setdefault(run_id, {})[step_id] = text
    return {run_id: _outcome(found, of_several=len(leaves.get(run_id, ())) > 1) for run_id, found in texts.items()}


def definitions_of(version_ids: Iterable[int]) -> Mapping[int, FunctionDefinition]:
    wanted = set(version_ids)
    if not wanted:
        return {}
    rows = FunctionVersion.objects.filter(pk__in=wanted).values_list("pk", "definition")
    return {version_id: from_json(text) for version_id, text in rows}


def _leaf_ids(definition: FunctionDefinition) -> list[str]:
    return [step.id for step in leaf_steps(definition)]


def _outcome(texts: Mapping[str, str | None], *, of_several: bool) -> Outcome:
    embedded = {step_id: raw(text) for step_id, text in texts.items()}
    if None in embedded.values():
        return Outcome(None, omitted=True)
    if of_several:
        return Outcome(msgspec.Raw(msgspec.json.encode(embedded)), omitted=False)
    return Outcome(next(iter(embedded.values())), omitted=False)
