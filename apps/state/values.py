"""What a run's expressions look at: its event and its outputs, read together and converted when first asked for."""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db import connection

from apps.expressions import Allowance, ExpressionError, Value, read_json
from apps.state.steps import Outputs, outputs_of
from apps.state.walking import WALK_BUDGET, Reader

VALUES_AT_ONCE = 16
"""Runs whose event and outputs are in memory together."""


class RunValues:
    """One run's values. Each text is converted once, however many expressions look at it."""

    def __init__(self, environment_id: int, event_seq: int, event: str, outputs: Outputs | None) -> None:
        self.environment_id = environment_id
        self.event_seq = event_seq
        self._texts: Mapping[str, str] = outputs.by_step if outputs is not None else {}
        self._too_large = outputs is not None and outputs.size > settings.STEP_INPUT_MAX_BYTES
        self._completed = frozenset(outputs.completed) if outputs is not None else frozenset()
        self._event_text = event
        self._event: Value = None
        self._outputs: dict[str, Value] = {}

    def event(self) -> Value:
        if self._event is None:
            self._event = read_json(self._event_text)
        return self._event

    def output(self, step_id: str) -> Value:
        self._refuse_too_large()
        if step_id not in self._outputs and step_id in self._texts:
            self._outputs[step_id] = read_json(self._texts[step_id])
        return self._outputs.get(step_id)

    def steps(self) -> dict[str, Value]:
        self._refuse_too_large()
        return {step_id: self.output(step_id) for step_id in self._texts}

    def completed(self) -> frozenset[str]:
        return self._completed

    def reader(self, allowance: Allowance | None = None) -> Reader:
        return Reader(self.event, self.steps, self.output, allowance or Allowance(WALK_BUDGET))

    def _refuse_too_large(self) -> None:
        if self._too_large:
            raise ExpressionError("the outputs so far are larger together than STEP_INPUT_MAX_BYTES")


# LIMIT keeps the planner from joining with all events there are, by a plan that was made while the tables were empty.
_RUNS = """
SELECT run.id, run.environment_id, run.event_seq, event.payload
FROM state_run AS run,
     LATERAL (SELECT payload FROM event_stream_event WHERE seq = run.event_seq LIMIT 1) AS event
WHERE run.id = ANY (%b::text[])
"""


def read_values(run_ids: Sequence[str], with_outputs: bool = True) -> dict[str, RunValues]:
    """The values of runs, in two statements; what has been written in this transaction is among them."""
    outputs = outputs_of(run_ids, settings.STEP_INPUT_MAX_BYTES) if with_outputs else {}
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, (list(run_ids),))
        return {
            run_id: RunValues(environment_id, event_seq, payload, outputs.get(run_id))
            for run_id, environment_id, event_seq, payload in cursor.fetchall()
        }
