"""A cron trigger's bell: django-celery-beat's PeriodicTask, which is its face in the admin, too.

It only rings `runner.run_crons`: when a cron ticks is said by its trigger's row. So it may ring too often or at the
wrong minute (beat rings every second anyway), and what a person changes about it changes no tick, except that a bell
which is disabled pauses its trigger.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

from celery.schedules import ParseException, crontab
from cronsim import CronSim
from django.db import connection
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from apps.datastore.models import CronTrigger

EXPIRES_SECONDS = 60
"""A stopped fleet must not come back to an hour of bells."""

_NAME_MAX = PeriodicTask._meta.get_field("name").max_length
_UNUSED = """
DELETE FROM django_celery_beat_crontabschedule AS schedule WHERE id = ANY (%b::int[])
  AND NOT EXISTS (SELECT FROM django_celery_beat_periodictask WHERE crontab_id = schedule.id)
"""


def lock_bells() -> None:
    """Let one transaction at a time change bells, and let beat read them anew when it has committed.

    Before any trigger is changed: whoever deletes a bell in the admin takes the locks in this order, too.
    """
    PeriodicTasks.update_changed()


def hang_bell(trigger: CronTrigger) -> PeriodicTask:
    """The bell of this trigger. A row of its name, whoever made it, becomes the bell. Called after `lock_bells`."""
    bell, _ = PeriodicTask.objects.update_or_create(
        name=_name(trigger),
        defaults={
            **_schedule(trigger.schedule, trigger.timezone),
            "task": "runner.run_crons",
            "queue": "events",
            "expire_seconds": EXPIRES_SECONDS,
            "description": f"Rings for the cron {trigger.cron} of function {trigger.function.slug}, whose definition"
            " says when it ticks. Disable it to pause the cron: ticks that come meanwhile are left out.",
        },
    )
    return bell


def take_bells(bells: Collection[int]) -> None:
    """Remove these bells, and their schedules where nothing else uses them. Called after `lock_bells`."""
    tasks = PeriodicTask.objects.filter(pk__in=bells)
    schedules = sorted(tasks.exclude(crontab=None).values_list("crontab_id", flat=True))
    tasks.delete()
    # Locked before it is asked who uses them: whoever is about to, in the admin, waits and then fails instead of us.
    list(CrontabSchedule.objects.select_for_update().filter(pk__in=schedules).order_by("pk"))
    with connection.cursor() as cursor:
        cursor.execute(_UNUSED, (schedules,))


def _name(trigger: CronTrigger) -> str:
    name = f"{trigger.environment.slug}/{trigger.function.slug}: {trigger.cron}"
    if len(name) <= _NAME_MAX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _NAME_MAX - 14]}… {digest}"


def _schedule(schedule: str, zone: str) -> dict[str, Any]:
    """Where Celery can say the same, that; elsewhere every minute."""
    fields = _crontab_fields(schedule)
    # The schedules' tables know no uniqueness: of two equal rows, either one.
    if fields is None or zone not in available_timezones():
        every_minute = {"every": 1, "period": IntervalSchedule.MINUTES}
        interval = IntervalSchedule.objects.filter(**every_minute).first()
        return {"crontab": None, "interval": interval or IntervalSchedule.objects.create(**every_minute)}
    spec = {**fields, "timezone": zone}
    same = CrontabSchedule.objects.filter(**spec).first()
    return {"crontab": same or CrontabSchedule.objects.create(**spec), "interval": None}


def _crontab_fields(schedule: str) -> dict[str, str] | None:
    """The expression for Celery's crontab; None if that has no words for it, or would mean something else by it."""
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    fields = dict(zip(names, schedule.lower().split(), strict=True))
    ours = CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC))
    try:
        theirs: Any = crontab(**fields)
    except (ValueError, ParseException):
        return None
    same = (
        # Where both kinds of days are restricted, either will do for cron, and Celery asks for both.
        ours.day_and
        and theirs.minute == ours.minutes
        and theirs.hour == ours.hours
        and theirs.day_of_month == ours.days
        and theirs.month_of_year == ours.months
        and theirs.day_of_week == {day % 7 if isinstance(day, int) else day for day in ours.weekdays}
    )
    fit = all(len(text) <= CrontabSchedule._meta.get_field(name).max_length for name, text in fields.items())
    return fields if same and fit else None
