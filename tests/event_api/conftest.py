"""Where the Event API's tests begin: the environment of dev mode, and a doorbell that only listens."""

import pytest

from apps.datastore.models import Environment
from apps.event_api import bell


@pytest.fixture
def dev(transactional_db: None) -> Environment:
    """Emptying the tables after a test takes what the migrations put there."""
    environment, _ = Environment.objects.get_or_create(
        slug="dev", defaults={"public_id": "00000000-0000-4000-b000-000000000000"}
    )
    return environment


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nothing is published; how many runners each ring wanted."""
    heard: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda task, queue, times: heard.append(times))
    return heard
