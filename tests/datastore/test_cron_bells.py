"""A cron's bell: what beat rings, and what a person sees and may disable in the admin."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from apps.datastore import cron_bells
from apps.datastore.cron_triggers import take_due
from apps.datastore.deploying import Content, deploy
from apps.datastore.models import CronTrigger
from tests.crons import EVERY_MINUTE, define_crons, deploy_crons, let_be_due
from tests.functions import BY, deploy_function, dev_environment, take_down

pytestmark = pytest.mark.django_db


def bells() -> dict[str, str]:
    """What each bell rings by, by its name."""
    return {bell.name: str(bell.scheduler) for bell in PeriodicTask.objects.all()}


def the_bell() -> PeriodicTask:
    bell = CronTrigger.objects.select_related("periodic_task").get().periodic_task
    assert bell is not None
    return bell


def test_a_trigger_has_a_bell_of_a_readable_name() -> None:
    deploy_crons("TZ=Europe/Paris 0 9 * * 1", slug="send-report")
    bell = the_bell()
    assert bell.name == "dev/send-report: TZ=Europe/Paris 0 9 * * 1"
    assert (bell.task, bell.args, bell.kwargs, bell.queue) == ("runner.run_crons", "[]", "{}", "events")
    assert (bell.expire_seconds, bell.enabled, bell.one_off) == (60, True, False)
    assert "TZ=Europe/Paris 0 9 * * 1" in bell.description
    assert bell.interval is None
    crontab = bell.crontab
    assert crontab is not None
    assert (crontab.minute, crontab.hour, crontab.day_of_week) == ("0", "9", "1")
    assert str(crontab.timezone) == "Europe/Paris"


@pytest.mark.parametrize(
    "schedule",
    ["* * * * *", "*/15 9-17 * * 1-5", "0 0 1,15 * *", "30 4 * JAN,JUL SUN", "0 */2 */2 * MON", "5 4 31 * *"],
)
def test_what_celery_can_say_it_says(schedule: str) -> None:
    deploy_crons(schedule)
    crontab = the_bell().crontab
    assert crontab is not None
    said = (crontab.minute, crontab.hour, crontab.day_of_month, crontab.month_of_year, crontab.day_of_week)
    assert " ".join(said) == schedule.lower()


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 13 * 5",  # Celery would ask for a Friday, the 13th
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 * * 5L",
        "0 0 * * 1#2",
        "0 0 * * 7",
        "5/15 * * * *",
    ],
)
def test_what_celery_cannot_say_rings_every_minute(schedule: str) -> None:
    deploy_crons(schedule)
    bell = the_bell()
    assert bell.crontab is None
    assert str(bell.interval) == "every minute"
    assert schedule in bell.description


def test_a_zone_that_beat_does_not_know_rings_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that it cannot read would stop it."""
    monkeypatch.setattr(cron_bells, "available_timezones", set)
    deploy_crons("0 0 * * *")
    assert the_bell().crontab is None


def test_functions_share_schedules() -> None:
    for number in range(3):
        deploy_crons("0 9 * * 1", "0 0 L * *", slug=f"fn-{number}")
    assert len(bells()) == 6
    assert CrontabSchedule.objects.count() == IntervalSchedule.objects.count() == 1


def test_a_long_name_is_cut_and_stays_unique() -> None:
    for letter in "ab":
        deploy_crons(EVERY_MINUTE, slug="x" * 220 + letter)
    names = list(bells())
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {200}


def test_a_kept_cron_keeps_its_bell_and_whether_it_is_paused() -> None:
    deploy_crons(EVERY_MINUTE)
    PeriodicTask.objects.update(enabled=False)
    (before,) = PeriodicTask.objects.values()
    deploy_crons(EVERY_MINUTE, note="two")
    assert list(PeriodicTask.objects.values()) == [before]


def test_a_changed_cron_has_another_bell() -> None:
    deploy_crons("0 9 * * 1")
    deploy_crons("0 10 * * 1")
    assert list(bells()) == ["dev/fn: 0 10 * * 1"]
    assert the_bell().crontab.hour == "10"


def test_a_schedule_outlives_its_bell_and_is_rung_by_again() -> None:
    """Beat may have read the bell and be about to read its schedule: one that is gone ends beat."""
    deploy_crons("0 9 * * 1")
    (schedule,) = CrontabSchedule.objects.values()
    deploy_crons("0 10 * * 1")
    deploy_crons("0 9 * * 1")
    assert the_bell().crontab_id == schedule["id"]
    assert take_down(dev_environment(), "fn")
    assert not bells()
    assert CrontabSchedule.objects.count() == 2


def test_a_thousand_crons_are_hung_and_taken_in_as_few_statements_as_one() -> None:
    def statements(functions: int, crons: int, hour: int) -> int:
        contents = [
            Content(define_crons(*(f"{minute} {hour} * * *" for minute in range(crons)), slug=f"fn-{number}"))
            for number in range(functions)
        ]
        with CaptureQueriesContext(connection) as queries:
            deploy(dev_environment(), contents, BY)
        return len(queries)

    for hour in range(2):
        one = statements(1, 1, hour)
        assert statements(50, 20, hour) <= one + 3
    assert CronTrigger.objects.filter(periodic_task__crontab__hour="1").count() == len(bells()) == 1_000
    with CaptureQueriesContext(connection) as queries:
        deploy(dev_environment(), [], BY, archive=[f"fn-{number}" for number in range(50)])
    assert len(queries) < 30
    assert not bells()


def test_a_schedule_that_something_else_uses_stays() -> None:
    deploy_crons("0 9 * * 1")
    PeriodicTask.objects.create(name="somebody's", task="x", crontab=CrontabSchedule.objects.get())
    assert take_down(dev_environment(), "fn")
    assert list(bells()) == ["somebody's"]
    assert CrontabSchedule.objects.count() == 1


def test_with_its_trigger_a_bell_goes() -> None:
    deploy_crons("0 9 * * 1", EVERY_MINUTE)
    deploy_crons(EVERY_MINUTE)
    assert list(bells()) == [f"dev/fn: {EVERY_MINUTE}"]
    deploy_function()
    assert not bells()


def test_a_bell_that_was_deleted_by_hand_leaves_its_trigger_and_comes_back_with_a_deploy() -> None:
    deploy_crons(EVERY_MINUTE)
    the_bell().delete()
    assert CronTrigger.objects.get().periodic_task is None
    deploy_crons(EVERY_MINUTE, note="two")
    assert the_bell().name == f"dev/fn: {EVERY_MINUTE}"


def test_a_row_of_the_same_name_becomes_the_bell() -> None:
    """Beat, which saves what it has read, can bring back a bell that was just removed."""
    minute = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.create(name=f"dev/fn: {EVERY_MINUTE}", task="x", interval=minute)
    deploy_crons(EVERY_MINUTE)
    bell = the_bell()
    assert (PeriodicTask.objects.count(), bell.task, bell.interval) == (1, "runner.run_crons", None)


def test_an_idle_cron_has_no_bell() -> None:
    deploy_crons("0 0 30 2 *")
    assert not bells()


def test_whether_a_trigger_is_paused_is_read_when_it_is_taken() -> None:
    deploy_crons(EVERY_MINUTE)
    let_be_due()
    assert not take_due(1).triggers[0].paused
    bell = the_bell()
    bell.enabled = False
    bell.save()
    assert take_due(1).triggers[0].paused
    bell.delete()
    assert not take_due(1).triggers[0].paused
