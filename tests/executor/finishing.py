"""Runs whose steps are leased and whose calls are over, for tests of what is recorded then."""

from collections.abc import Mapping, Sequence

from apps.executor.finished import Finished
from apps.executor.loading import load
from apps.runner.consume_events import consume_events
from apps.state import queue
from drivers.contract import Outcome
from tests.functions import append, deploy_function, succeed
from tests.state.items import QUEUE, add_worker


def start(steps: Mapping[str, Sequence[str]] | None = None, *, runs: int = 1, attempts: int = 1) -> None:
    """Start so many runs of a function with these steps."""
    deploy_function(steps, attempts=attempts)
    append(count=runs)
    consume_events()


def lease(worker_id: int, most: int = 10_000) -> list[Finished]:
    """Lease what is ready; the calls are over and have succeeded."""
    items = queue.claim(QUEUE, worker_id, most, 0)
    loaded = load(items, worker_id)
    return [work.finish(succeed()) for work in loaded.work]


def with_outcome(finished: Finished, outcome: Outcome) -> Finished:
    return finished._replace(outcome=outcome, answer=None)


def leased_runs(
    steps: Mapping[str, Sequence[str]] | None = None, *, runs: int, attempts: int = 1
) -> list[dict[str, Finished]]:
    """Runs whose first steps are leased, by one worker; each run's finished calls by step."""
    start(steps, runs=runs, attempts=attempts)
    by_run: dict[str, dict[str, Finished]] = {}
    for finished in lease(add_worker()):
        by_run.setdefault(finished.item.run_id, {})[finished.item.step_id] = finished
    return list(by_run.values())
