"""What `/ready` says of docker steps: nothing, until there is one that nobody can run."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from apps.state.models import Pulse, Worker
from tests.event_api.test_http import ask
from tests.state.items import add_ready, add_scheduled, execute

AWAY = "docker: there is no Docker engine at unix:///nowhere"


@pytest.fixture(autouse=True)
def others(dev: object) -> Iterator[None]:
    """Everything else is well."""
    now = timezone.now()
    queues = "chores,events,steps,steps.cpu"
    Worker.objects.create(name="others", queues=queues, started_at=now, heartbeat_at=now)
    Pulse.objects.create(chore="wake_due", at=now)
    yield
    execute("DELETE FROM state_readyitem")
    execute("DELETE FROM state_scheduleditem")


def add_docker(faults: str = "") -> None:
    now = timezone.now()
    Worker.objects.create(name="d", queues="steps.docker", started_at=now, heartbeat_at=now, faults=faults)


def docker_check() -> tuple[int, str]:
    answer = ask("GET", "/ready")
    return answer.status, answer.json["checks"]["docker"]["message"]


def test_a_server_without_docker_steps_needs_neither_workers_nor_an_engine() -> None:
    assert docker_check() == (200, "OK")
    add_docker(AWAY)
    assert docker_check() == (200, "OK")
    # What waits for other workers, or for much later, says nothing of them.
    add_ready(1, queue="other")
    add_scheduled(5)
    assert docker_check() == (200, "OK")


def test_not_ready_when_docker_steps_wait_and_no_worker_takes_them() -> None:
    add_ready(1, queue="steps.docker")
    assert docker_check() == (503, "steps wait: no worker for steps.docker")
    add_docker()
    assert docker_check() == (200, "OK")


@pytest.mark.parametrize("due_in", [None, 5.0])
def test_not_ready_when_docker_steps_wait_and_no_engine_answers(due_in: float | None) -> None:
    add_docker(AWAY)
    if due_in is None:
        add_ready(1, queue="steps.docker")
    else:
        add_scheduled(due_in)
        execute("UPDATE state_scheduleditem SET queue = 'steps.docker'")
    assert docker_check() == (503, "steps wait: the Docker engine does not answer")
    add_docker()
    assert docker_check() == (200, "OK")
