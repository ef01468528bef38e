"""Beat itself, with its scheduler, sees the bells of the crons that are live."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django_celery_beat import schedulers
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.doorbell.beat import Scheduler
from apps.state.clock import read_now
from inngest_server.celery import app
from tests.crons import EVERY_MINUTE, deploy_crons
from tests.functions import dev_environment, take_down

# The scheduler closes connections as it likes.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beat() -> Scheduler:
    """As it is when it has started."""
    return Scheduler(app=app)


def crons(beat: Scheduler) -> list[str]:
    """What it rings for, apart from what is rung for all the time."""
    return [name for name in beat.schedule if name.startswith("dev/")]


def test_beat_sees_a_deploy_and_rings_when_the_cron_ticks(beat: Scheduler) -> None:
    deploy_crons(EVERY_MINUTE)
    entry = beat.schedule[f"dev/fn: {EVERY_MINUTE}"]
    assert entry.task == "runner.run_crons"
    assert (entry.options["queue"], entry.options["expires"]) == ("events", 60)
    entry.last_run_at = read_now() - timedelta(minutes=2)
    assert entry.is_due().is_due


def test_beat_rings_every_second_whatever_bells_there_are(beat: Scheduler) -> None:
    entry = beat.schedule["run crons"]
    assert entry.task == "runner.run_crons"
    assert (entry.options["queue"], entry.options["expires"]) == ("events", 60)
    assert entry.schedule.run_every == timedelta(seconds=1)


def test_beat_rings_every_minute_for_what_it_cannot_say(beat: Scheduler) -> None:
    deploy_crons("0 0 L * *")
    entry = beat.schedule["dev/fn: 0 0 L * *"]
    entry.last_run_at = read_now() - timedelta(minutes=2)
    assert entry.is_due().is_due


def test_beat_sees_what_is_changed_disabled_and_taken_down(beat: Scheduler) -> None:
    deploy_crons(EVERY_MINUTE)
    assert crons(beat) == [f"dev/fn: {EVERY_MINUTE}"]
    deploy_crons("*/2 * * * *")
    assert crons(beat) == ["dev/fn: */2 * * * *"]
    bell = PeriodicTask.objects.get(name__startswith="dev/")
    bell.enabled = False
    bell.save()
    assert not crons(beat)
    bell.enabled = True
    bell.save()
    assert crons(beat)
    take_down(dev_environment(), "fn")
    assert not crons(beat)


def test_beat_lives_through_a_deploy_between_its_queries(beat: Scheduler) -> None:
    """It reads the bells, and then their schedules: one that had gone meanwhile would end it."""
    deploy_crons(EVERY_MINUTE)
    deployed = threading.Event()

    def deploy_another() -> None:
        try:
            deploy_crons("*/2 * * * *")
            deployed.set()
        finally:
            connection.close()

    def deploy_after_the_bells(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if 'FROM "django_celery_beat_periodictask"' in sql and not deployed.is_set():
            deploying = threading.Thread(target=deploy_another)
            deploying.start()
            deploying.join(30)
        return result

    with connection.execute_wrapper(deploy_after_the_bells):
        seen = beat.all_as_schedule()
    assert deployed.is_set()
    assert any(name.startswith("dev/fn") for name in seen)
    assert crons(beat) == ["dev/fn: */2 * * * *"]


def test_beat_reads_bells_of_any_hour_at_any_hour(beat: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads an hour as a number, of `*` too if the planner likes it so."""
    deploy_crons(EVERY_MINUTE, "0 9 * * 1", "TZ=Europe/Paris */5 * * * *", "TZ=Asia/Tokyo 0 1 * * *")
    now = read_now()
    for hour in range(24):
        monkeypatch.setattr(schedulers, "aware_now", lambda hour=hour: now.replace(hour=hour))
        assert len([name for name in beat.all_as_schedule() if name.startswith("dev/")]) == 4


def test_a_bell_that_cannot_be_rung_stops_no_other(beat: Scheduler) -> None:
    deploy_crons(EVERY_MINUTE, "*/2 * * * *")
    CrontabSchedule.objects.filter(minute="*/2").update(minute="never")
    assert crons(beat) == [f"dev/fn: {EVERY_MINUTE}"]


def test_beat_rings_as_before_while_the_bells_cannot_be_read(beat: Scheduler) -> None:
    deploy_crons(EVERY_MINUTE)
    assert crons(beat) == [f"dev/fn: {EVERY_MINUTE}"]
    deploy_crons("*/2 * * * *")

    def fail(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if 'FROM "django_celery_beat_periodictask"' in sql:
            raise OperationalError("away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        assert crons(beat) == [f"dev/fn: {EVERY_MINUTE}"]
    assert crons(beat) == ["dev/fn: */2 * * * *"]
