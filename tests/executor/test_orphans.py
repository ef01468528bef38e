"""Which containers nobody waits for any more. Wrong one way, they pile up; wrong the other, a step loses its work."""

import time
from dataclasses import replace

import pytest

from apps.executor.chores.remove_orphans import GRACE_SECONDS, UNKNOWN_GRACE_SECONDS, orphans
from apps.executor.recording import record
from apps.state.ending import cancel_run
from apps.state.scheduling import promote_due
from drivers.answers import unavailable
from drivers.docker_orphans import Found
from tests.executor.finishing import lease, start, with_outcome
from tests.functions import DEV, fail
from tests.state.counting import statements
from tests.state.items import add_worker, execute

pytestmark = pytest.mark.django_db

DAY = 86_400


def container(
    run_id: str, step_id: str = "step-1", attempt: int = 0, age: float = 1_000.0, timeout: float = 900.0
) -> Found:
    created = time.time() - age
    return Found("id", DEV, run_id, step_id, attempt, created + timeout, True, created)


def is_orphan(found: Found) -> bool:
    return orphans([found], time.time()) == [found]


@pytest.fixture
def run_id() -> str:
    """Its one step may be tried twice."""
    start(attempts=2)
    [(run_id,)] = execute("SELECT id FROM state_run")
    return str(run_id)


def test_that_of_an_attempt_that_is_still_to_be_made_or_under_way_stays(run_id: str) -> None:
    assert not is_orphan(container(run_id))
    (finished,) = lease(add_worker())
    assert not is_orphan(container(run_id))
    record([with_outcome(finished, unavailable("EngineAway", "it does not answer"))])
    assert not is_orphan(container(run_id))
    execute("UPDATE state_scheduleditem SET due_at = now()")
    promote_due()
    assert not is_orphan(container(run_id))


def test_that_of_an_attempt_that_has_ended_goes(run_id: str) -> None:
    (finished,) = lease(add_worker())
    record([with_outcome(finished, fail(retry_after=100))])
    assert is_orphan(container(run_id))
    assert not is_orphan(container(run_id, attempt=1))


@pytest.mark.parametrize("end", ["completed", "cancelled"])
def test_that_of_a_run_that_has_ended_goes(run_id: str, end: str) -> None:
    if end == "completed":
        record(lease(add_worker()))
    else:
        cancel_run(run_id, "asked for")
    assert is_orphan(container(run_id))
    assert is_orphan(container(run_id, attempt=1))


def test_that_of_a_step_that_the_run_does_not_have_goes(run_id: str) -> None:
    assert is_orphan(container(run_id, step_id="another"))


def test_a_young_one_is_left_to_its_worker(run_id: str) -> None:
    record(lease(add_worker()))
    assert not is_orphan(container(run_id, age=GRACE_SECONDS - 5))
    assert is_orphan(container(run_id, age=GRACE_SECONDS + 5))


def test_that_of_a_run_that_is_not_known_may_be_another_servers_and_stays_for_very_long() -> None:
    unknown = "01" + "Z" * 24
    assert not is_orphan(ended(unknown, age=1_000))
    assert not is_orphan(ended(unknown, age=29 * DAY))
    assert is_orphan(ended(unknown, age=31 * DAY))
    assert not is_orphan(replace(ended(unknown, age=31 * DAY), deadline=time.time() + 60))


def test_that_of_a_run_that_is_not_known_does_not_go_on_long_after_its_deadline() -> None:
    unknown = "01" + "Z" * 24
    assert not is_orphan(container(unknown, age=31 * DAY, timeout=31 * DAY))
    assert not is_orphan(container(unknown, age=900 + UNKNOWN_GRACE_SECONDS - 30))
    assert is_orphan(container(unknown, age=900 + UNKNOWN_GRACE_SECONDS + 30))


def ended(run_id: str, age: float) -> Found:
    return replace(container(run_id, age=age), running=False)


def test_many_are_looked_up_in_one_statement_and_told_apart(run_id: str) -> None:
    record(lease(add_worker()))
    start(runs=1)
    [(other,)] = execute("SELECT id FROM state_run WHERE ended_at IS NULL")
    found = [container(run_id), container(str(other))] * 100
    with statements() as seen:
        gone = orphans(found, time.time())
    assert len(seen) == 1
    assert gone == found[::2]
