"""Chore: what a dead worker held goes back to the queue; what has come back too often fails its step."""

from django.conf import settings

from apps.doorbell.ringing import ring
from apps.executor.finished import Finished
from apps.executor.recording import record
from apps.executor.telling import tell_recorded
from apps.state import teller, telling
from apps.state.models import Run
from apps.state.queue import Item
from apps.state.workers import reclaim_lost
from drivers.contract import Outcome, StepError

AT_ONCE = 100


def reclaim_leases() -> None:
    """Take the leases of workers that have been silent for LEASE_SECONDS."""
    reclaimed = reclaim_lost(settings.LEASE_SECONDS, settings.LEASE_MAX_RETURNS)
    for start in range(0, len(reclaimed.worn_out), AT_ONCE):
        _fail(reclaimed.worn_out[start : start + AT_ONCE])
    for queue in reclaimed.queues:
        ring("executor.drain", queue, queue=queue)


def _fail(worn_out: list[tuple[Item, int]]) -> None:
    versions = dict(Run.objects.filter(pk__in={item.run_id for item, _ in worn_out}).values_list("pk", "version_id"))
    functions = telling.functions_of({item.run_id: item.function_id for item, _ in worn_out})
    finished = []
    for item, worker_id in worn_out:
        error = StepError("WorkerDied", f"its worker died, {item.returns + 1} times in a row")
        outcome = Outcome(ok=False, error=error, retryable=False)
        finished.append(
            Finished(
                item,
                worker_id,
                outcome,
                function=functions.get(item.run_id) or f"function {item.function_id}",
                attempts=item.attempt,
                version_id=versions.get(item.run_id, 0),
            )
        )
    recorded = record(finished)
    if teller.is_on():
        tell_recorded(finished, recorded)
        teller.tell(recorded.wakes.told)
