"""Beat itself, with django-celery-beat's scheduler, sees the bells of the crons that are live."""

from datetime import timedelta

import pytest
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from apps.state.clock import read_now
from inngest_server.celery import app
from tests.crons import EVERY_MINUTE, deploy_crons
from tests.functions import dev_environment, take_down

# The scheduler closes connections as it likes.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beat() -> DatabaseScheduler:
    """As it is when it has started."""
    return DatabaseScheduler(app=app)


def crons(beat: DatabaseScheduler) -> list[str]:
    """What it rings for, apart from what is rung for all the time."""
    return [name for name in beat.schedule if name.startswith("dev/")]


def test_beat_sees_a_deploy_and_rings_when_the_cron_ticks(beat: DatabaseScheduler) -> None:
    deploy_crons(EVERY_MINUTE)
    entry = beat.schedule[f"dev/fn: {EVERY_MINUTE}"]
    assert entry.task == "runner.run_crons"
    assert (entry.options["queue"], entry.options["expires"]) == ("events", 60)
    entry.last_run_at = read_now() - timedelta(minutes=2)
    assert entry.is_due().is_due


def test_beat_rings_every_second_whatever_bells_there_are(beat: DatabaseScheduler) -> None:
    entry = beat.schedule["run crons"]
    assert entry.task == "runner.run_crons"
    assert (entry.options["queue"], entry.options["expires"]) == ("events", 60)
    assert entry.schedule.run_every == timedelta(seconds=1)


def test_beat_rings_every_minute_for_what_it_cannot_say(beat: DatabaseScheduler) -> None:
    deploy_crons("0 0 L * *")
    entry = beat.schedule["dev/fn: 0 0 L * *"]
    entry.last_run_at = read_now() - timedelta(minutes=2)
    assert entry.is_due().is_due


def test_beat_sees_what_is_changed_disabled_and_taken_down(beat: DatabaseScheduler) -> None:
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
