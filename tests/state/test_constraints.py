"""The database enforces the state machine, whatever the code does."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.state.models import Run, Step
from tests.functions import deploy_function
from tests.state.items import execute

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued_run() -> Run:
    function = deploy_function()
    assert function.live_version_id is not None
    return Run.objects.create(
        id="01" + "A" * 24,
        environment=function.environment,
        function=function,
        version_id=function.live_version_id,
        event_seq=1,
        queued_at=timezone.now(),
    )


@pytest.fixture
def open_step(queued_run: Run) -> Step:
    return Step.objects.create(run=queued_run, step_id="a", item_id=1, queued_at=timezone.now())


def refuses(constraint: str) -> Any:
    return pytest.raises(IntegrityError, match=constraint)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_run_cannot_end_without_its_time(queued_run: Run, status: str) -> None:
    with refuses("run_ended_with_its_time"), transaction.atomic():
        execute("UPDATE state_run SET status = %s", (status,))


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_run_that_goes_on_has_no_end(queued_run: Run, status: str) -> None:
    with refuses("run_ended_with_its_time"), transaction.atomic():
        execute("UPDATE state_run SET status = %s, ended_at = now()", (status,))


def test_a_run_has_one_of_the_known_statuses(queued_run: Run) -> None:
    with refuses("run_status"), transaction.atomic():
        execute("UPDATE state_run SET status = 'sleeping'")


def test_an_event_starts_a_function_once(queued_run: Run) -> None:
    with refuses("run_once_per_event"), transaction.atomic():
        Run.objects.create(
            id="01" + "B" * 24,
            environment_id=queued_run.environment_id,
            function_id=queued_run.function_id,
            version_id=queued_run.version_id,
            event_seq=queued_run.event_seq,
            queued_at=timezone.now(),
        )


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'waiting', ended_at = now()", "step_status"),
        ("ended_at = now()", "step_ended_with_its_time"),
        ("status = 'completed', output = '1'", "step_ended_with_its_time"),
        ("status = 'completed', ended_at = now()", "step_ended_with_its_result"),
        ("status = 'failed', ended_at = now()", "step_ended_with_its_result"),
        ("status = 'cancelled'", "step_ended_with_its_time"),
        ("attempts = -1", "attempts"),
    ],
)
def test_a_step_keeps_to_its_states(open_step: Step, change: str, constraint: str) -> None:
    with refuses(constraint), transaction.atomic():
        execute(f"UPDATE state_step SET {change}")


@pytest.mark.parametrize(
    "change",
    [
        "status = 'completed', output = '1', ended_at = now()",
        "status = 'failed', error = '{}', ended_at = now()",
        "status = 'cancelled', ended_at = now()",
    ],
)
def test_a_step_may_end_with_its_result_and_time(open_step: Step, change: str) -> None:
    execute(f"UPDATE state_step SET {change}")


def test_a_step_is_there_once_in_a_run(open_step: Step) -> None:
    with refuses("state_step_pkey"), transaction.atomic():
        Step.objects.bulk_create([Step(run=open_step.run, step_id="a", item_id=2, queued_at=timezone.now())])
