"""The log of a dev server: what runs and steps do, as lines for a person."""

import logging
from collections.abc import Sequence

from apps.executor.finished import Finished
from apps.state.history import Entry

log = logging.getLogger("inngest.runs")

_LOUD = {"run.failed", "step.failed", "step.retrying"}


def tell(finished: Sequence[Finished], history: Sequence[Entry]) -> None:
    """Log what the finished steps wrote, and what became of them and their runs."""
    functions = {one.item.run_id: one.function for one in finished}
    for one in finished:
        for line in one.outcome.log.splitlines():
            log.info("%s %s: %s", functions[one.item.run_id], one.item.step_id, line)
    for entry in history:
        level = logging.WARNING if entry.kind in _LOUD else logging.INFO
        what = entry.kind.replace("step.", f"{entry.step_id} ").replace("run.", "")
        log.log(level, "%s %s: %s (run %s)", functions.get(entry.run_id, "run"), what, entry.reason, entry.run_id)
