"""A cron trigger's bell: django-celery-beat's PeriodicTask, which is its face in the admin, too.

It only rings `runner.run_crons`: when a cron ticks is said by its trigger's row. So it may ring too often or at the
wrong minute (beat rings every second anyway), and what a person changes about it changes no tick, except that a bell
which is disabled pauses its trigger.

Schedules stay when their bells go. Beat reads the bells and then, in another statement, their schedules, and ends if
one has gone in between; one that nothing uses harms nobody, and is there for the next bell that rings by it.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from celery.schedules import ParseException, crontab
from cronsim import CronSim
from django.db import connection
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from apps.datastore.models import CronTrigger

EXPIRES_SECONDS = 60
"""A stopped fleet must not come back to an hour of bells."""

_NAME_MAX = PeriodicTask._meta.get_field("name").max_length


class Crontab(NamedTuple):
    """A schedule in Celery's words."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    timezone: str


class Bell(NamedTuple):
    name: str
    crontab: Crontab | None
    """Where Celery can say the same as the trigger; None rings every minute."""
    description: str


def bells_of(triggers: Iterable[CronTrigger], environment: str) -> list[Bell]:
    """The bell of each of these triggers, which are of the environment of this slug. Asks the database nothing."""
    zones = available_timezones()  # it reads folders: once for all
    return [
        Bell(
            name=_name(f"{environment}/{trigger.function.slug}: {trigger.cron}"),
            crontab=_crontab(trigger.schedule, trigger.timezone) if trigger.timezone in zones else None,
            description=f"Rings for the cron {trigger.cron} of function {trigger.function.slug}, whose definition"
            " says when it ticks. Disable it to pause the cron: ticks that come meanwhile are left out.",
        )
        for trigger in triggers
    ]


def lock_bells() -> None:
    """Let one transaction at a time change bells, and let beat read them anew when it has committed.

    All environments' deploys of crons meet here, so as late as can be. But before any trigger is changed: whoever
    deletes a bell in the admin takes the locks in this order, too.
    """
    PeriodicTasks.update_changed()


# A row of the bell's name, whoever made it, becomes the bell: beat, which saves what it has read, can bring one back.
_HANG = """
INSERT INTO django_celery_beat_periodictask AS bell (
  name, crontab_id, interval_id, description, task, queue, expire_seconds,
  args, kwargs, headers, one_off, enabled, total_run_count, date_changed
)
SELECT name, crontab_id, interval_id, description, 'runner.run_crons', 'events', %(expires)s,
       '[]', '{}', '{}', false, true, 0, now()
FROM unnest(%(names)b::text[], %(crontabs)b::int[], %(intervals)b::int[], %(descriptions)b::text[])
  AS b (name, crontab_id, interval_id, description)
ON CONFLICT (name) DO UPDATE
SET crontab_id = EXCLUDED.crontab_id, interval_id = EXCLUDED.interval_id, solar_id = NULL, clocked_id = NULL,
    description = EXCLUDED.description, task = EXCLUDED.task, queue = EXCLUDED.queue,
    expire_seconds = EXCLUDED.expire_seconds, date_changed = EXCLUDED.date_changed
RETURNING name, id
"""


def hang_bells(bells: Sequence[Bell]) -> dict[str, int]:
    """Make these bells: their ids, by name. In as few statements for a thousand as for one. Called after `lock_bells`.

    A bell that is disabled, and is hung again, stays disabled.
    """
    crontabs = _make_crontabs({bell.crontab for bell in bells if bell.crontab is not None})
    every_minute = _make_every_minute() if any(bell.crontab is None for bell in bells) else None
    with connection.cursor() as cursor:
        cursor.execute(
            _HANG,
            {
                "names": [bell.name for bell in bells],
                "crontabs": [crontabs[bell.crontab] if bell.crontab else None for bell in bells],
                "intervals": [None if bell.crontab else every_minute for bell in bells],
                "descriptions": [bell.description for bell in bells],
                "expires": EXPIRES_SECONDS,
            },
        )
        return dict(cursor.fetchall())


def take_bells(bells: Collection[int]) -> None:
    """Remove these bells. Called after `lock_bells`, when no trigger has them any more."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_celery_beat_periodictask WHERE id = ANY (%b::int[])", (list(bells),))


def _name(name: str) -> str:
    if len(name) <= _NAME_MAX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _NAME_MAX - 14]}… {digest}"


_FIELDS = ", ".join(Crontab._fields)
# The last one of equal rows is read as the one: their table knows no uniqueness.
_FIND_CRONTABS = f"""
SELECT {_FIELDS}, id FROM django_celery_beat_crontabschedule WHERE timezone = ANY (%b::text[]) ORDER BY id DESC
"""
_MAKE_CRONTABS = f"""
INSERT INTO django_celery_beat_crontabschedule ({_FIELDS})
SELECT * FROM unnest({", ".join(["%b::text[]"] * len(Crontab._fields))}) RETURNING {_FIELDS}, id
"""


def _make_crontabs(wanted: Collection[Crontab]) -> dict[Crontab, int]:
    """The ids of these schedules' rows, made where there are none."""
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FIND_CRONTABS, (list({one.timezone for one in wanted}),))
        found = {Crontab(*fields): row_id for *fields, row_id in cursor.fetchall()}
        missing = [one for one in wanted if one not in found]
        if missing:
            cursor.execute(_MAKE_CRONTABS, [list(column) for column in zip(*missing, strict=True)])
            found |= {Crontab(*fields): row_id for *fields, row_id in cursor.fetchall()}
    return found


def _make_every_minute() -> int:
    every_minute = {"every": 1, "period": IntervalSchedule.MINUTES}
    interval = IntervalSchedule.objects.filter(**every_minute).first()
    made: int = (interval or IntervalSchedule.objects.create(**every_minute)).pk
    return made


@lru_cache(maxsize=10_000)
def _crontab(schedule: str, zone: str) -> Crontab | None:
    """The expression for Celery's crontab; None if that has no words for it, or would mean something else by it."""
    fields = dict(zip(Crontab._fields, schedule.lower().split(), strict=False))
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
    return Crontab(**fields, timezone=zone) if same and fit else None
