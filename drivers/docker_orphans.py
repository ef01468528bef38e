"""Containers that this server's runs left on the engine. Whoever calls decides, from the database, which of them nobody
waits for any more; nothing here guesses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivers.docker_attempt import remove
from drivers.docker_engine import answering, client


@dataclass(frozen=True)
class Found:
    """A container of a step's attempt, as its labels tell. Times are unix seconds: ``deadline`` by the clock of the
    worker that made it, ``created_at`` by the engine's."""

    id: str
    owner: str
    run_id: str
    step_id: str
    attempt: int
    deadline: float
    running: bool
    created_at: float


def list_containers() -> list[Found]:
    """All that carry our labels, of whatever owner, running or not, but for those whose labels cannot be ours. Raises
    EngineAway (`drivers.docker_engine`)."""
    with answering():
        rows = client().containers(all=True, filters={"label": ["inngest.owner", "inngest.run", "inngest.attempt"]})
    return [found for row in rows if (found := _found(row)) is not None]


def remove_container(container_id: str) -> None:
    """Kill it if it runs, and remove it. One that is gone is no fault. Raises EngineAway."""
    remove(client(), container_id)


def _found(row: Mapping[str, Any]) -> Found | None:
    labels = row["Labels"]
    try:
        attempt, deadline = int(labels["inngest.attempt"]), float(labels.get("inngest.deadline", 0))
    except ValueError:  # anybody may label containers
        return None
    return Found(
        id=row["Id"],
        owner=labels["inngest.owner"],
        run_id=labels["inngest.run"],
        step_id=labels.get("inngest.step", ""),
        attempt=attempt,
        deadline=deadline,
        running=row["State"] in ("running", "paused", "restarting"),
        created_at=float(row["Created"]),
    )
