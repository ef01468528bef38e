"""Live cron triggers (rule 15): they change with the live pointer, and are advanced past what was due of them."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.db import connection

from apps.datastore.cron_bells import bells_of, hang_bells, lock_bells, take_bells
from apps.datastore.definition.types import CronTrigger as DefinedCron
from apps.datastore.models import CronTrigger, Environment, Function, FunctionVersion
from apps.datastore.ticks import next_tick


class LiveCrons(NamedTuple):
    """What starts a function from now on."""

    function: Function
    version: FunctionVersion | None
    """The one that is live; None if none is, and then there are no crons."""
    crons: Sequence[DefinedCron]


_INSERT = """
INSERT INTO datastore_crontrigger (
  environment_id, function_id, version_id, cron, schedule, timezone, next_at, periodic_task_id
)
SELECT %(environment)s, added.*
FROM unnest(%(functions)b::bigint[], %(versions)b::bigint[], %(crons)b::text[], %(schedules)b::text[],
            %(timezones)b::text[], %(next)b::timestamptz[], %(bells)b::int[]) AS added
"""
# Neither when it ticks nor when it has ticked: the runner may be advancing the row.
_KEEP = """
UPDATE datastore_crontrigger AS t
SET version_id = kept.version_id, periodic_task_id = COALESCE(kept.bell_id, t.periodic_task_id)
FROM unnest(%(ids)b::bigint[], %(versions)b::bigint[], %(bells)b::int[]) AS kept (id, version_id, bell_id)
WHERE t.id = kept.id AND t.id = ANY (%(ids)b::bigint[])
"""


def replace_crons(environment: Environment, wanted: Sequence[LiveCrons]) -> None:
    """Let these crons, and no others, start these functions. Called by deploying, with the functions locked.

    One that was live before, as it is written, goes on: what is due of it stays due, and it stays paused if it was. Any
    other ticks from the database's now on. In as few statements for a thousand crons as for one, and the lock that
    all environments share is taken when all is reckoned.
    """
    gone = {
        (row.function_id, row.cron): row
        for row in CronTrigger.objects.filter(function__in=[one.function for one in wanted])
    }
    if not gone and not any(one.crons for one in wanted):
        return
    now, kept, added = _read_now(), [], []
    tick = cache(next_tick)
    for function, version, crons in wanted:
        if version is None:
            continue
        for text, cron in {cron.cron: cron for cron in crons}.items():
            row = gone.pop((function.pk, text), None)
            if row is None:
                next_at = tick(cron.schedule, cron.timezone, now)
                row = CronTrigger(cron=text, schedule=cron.schedule, timezone=cron.timezone, next_at=next_at)
                added.append(row)
            else:
                kept.append(row)
            row.function, row.version_id = function, version.pk
    silent = [row for row in kept + added if row.periodic_task_id is None and row.next_at is not None]
    bells = bells_of(silent, environment.slug)
    if gone or added or silent:
        lock_bells()
    _remove(list(gone.values()))
    ids = hang_bells(bells) if bells else {}
    hung = {(row.function_id, row.cron): ids[bell.name] for row, bell in zip(silent, bells, strict=True)}
    _keep(kept, hung)
    _insert(environment, added, hung)


_Hung = dict[tuple[int, str], int]
"""The ids of bells that were just made, by function and cron."""


def _keep(rows: Sequence[CronTrigger], hung: _Hung) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "ids": [row.pk for row in rows],
                "versions": [row.version_id for row in rows],
                "bells": [hung.get((row.function_id, row.cron)) for row in rows],
            },
        )


def _insert(environment: Environment, rows: Sequence[CronTrigger], hung: _Hung) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "environment": environment.pk,
                "functions": [row.function_id for row in rows],
                "versions": [row.version_id for row in rows],
                "crons": [row.cron for row in rows],
                "schedules": [row.schedule for row in rows],
                "timezones": [row.timezone for row in rows],
                "next": [row.next_at for row in rows],
                "bells": [hung.get((row.function_id, row.cron)) for row in rows],
            },
        )


def _remove(rows: Sequence[CronTrigger]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM datastore_crontrigger WHERE id = ANY (%b::bigint[])", ([row.pk for row in rows],))
    bells = [row.periodic_task_id for row in rows if row.periodic_task_id is not None]
    if bells:
        take_bells(bells)


def _read_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    return now


class DueTrigger(NamedTuple):
    """A trigger that has ticked."""

    id: int
    environment_id: int
    function_id: int
    version_id: int
    cron: str
    schedule: str
    timezone: str
    next_at: datetime
    paused: bool


class Due(NamedTuple):
    """Triggers taken in one transaction, and its time; no time if there were none."""

    triggers: list[DueTrigger]
    now: datetime | None


# Whoever deletes a bell in the admin does not pause its trigger.
_TAKE = """
SELECT t.id, t.environment_id, t.function_id, t.version_id, t.cron, t.schedule, t.timezone, t.next_at,
       NOT COALESCE(bell.enabled, true), now()
FROM datastore_crontrigger AS t LEFT JOIN django_celery_beat_periodictask AS bell ON bell.id = t.periodic_task_id
WHERE t.next_at <= now() ORDER BY t.next_at LIMIT %s FOR UPDATE OF t SKIP LOCKED
"""
_TAKE_ONE = _TAKE.replace("ORDER BY t.next_at LIMIT %s", "AND t.id = %s")


def take_due(most: int) -> Due:
    """Lock up to `most` triggers that have ticked and that nobody else has locked, the longest due first."""
    return _take(_TAKE, most)


def take_this(trigger_id: int) -> Due:
    """Lock this trigger, if it has ticked and nobody else has locked it."""
    return _take(_TAKE_ONE, trigger_id)


def _take(statement: str, argument: int) -> Due:
    with connection.cursor() as cursor:
        cursor.execute(statement, (argument,))
        rows = cursor.fetchall()
    return Due([DueTrigger(*row[:-1]) for row in rows], rows[0][-1] if rows else None)


def due_ids(most: int) -> list[int]:
    """The ids of triggers that have ticked, the longest due first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM datastore_crontrigger WHERE next_at <= now() ORDER BY next_at LIMIT %s", (most,))
        return [row[0] for row in cursor.fetchall()]


class Advance(NamedTuple):
    """Where a trigger goes on, and the last tick that is run; None if none is."""

    trigger: DueTrigger
    next_at: datetime | None
    last_tick_at: datetime | None


# Guarded by where the trigger stood: a tick that somebody else has run is not run again.
_ADVANCE = """
UPDATE datastore_crontrigger AS t
SET next_at = a.next_at, last_tick_at = COALESCE(a.last_tick_at, t.last_tick_at)
FROM unnest(%(ids)b::bigint[], %(stood)b::timestamptz[], %(next)b::timestamptz[], %(last)b::timestamptz[])
  AS a (id, stood_at, next_at, last_tick_at)
WHERE t.id = a.id AND t.next_at = a.stood_at AND t.id = ANY (%(ids)b::bigint[])
RETURNING t.id
"""


def advance(advances: Sequence[Advance]) -> set[int]:
    """Move triggers past what was due of them. The ids of those that stood where they were taken.

    Called in the transaction that starts the runs of the ticks.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _ADVANCE,
            {
                "ids": [one.trigger.id for one in advances],
                "stood": [one.trigger.next_at for one in advances],
                "next": [one.next_at for one in advances],
                "last": [one.last_tick_at for one in advances],
            },
        )
        return {row[0] for row in cursor.fetchall()}
