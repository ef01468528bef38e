"""Live cron triggers (rule 15): they change with the live pointer, and are advanced past what was due of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from apps.datastore.cron_bells import hang_bell, lock_bells, take_bells
from apps.datastore.definition.types import CronTrigger as DefinedCron
from apps.datastore.models import CronTrigger, Function, FunctionVersion
from apps.datastore.ticks import next_tick


def replace_crons(function: Function, version: FunctionVersion, crons: Sequence[DefinedCron]) -> None:
    """Let these crons, and no others, start this version. Called by deploying, with the function locked.

    One that was live before, as it is written, goes on: what is due of it stays due, and it stays paused if it was. Any
    other ticks from the database's now on.
    """
    live = {row.cron: row for row in CronTrigger.objects.filter(function=function)}
    wanted = {cron.cron: cron for cron in crons}
    gone = [row for text, row in live.items() if text not in wanted]
    kept = [row for text, row in live.items() if text in wanted]
    added = [cron for text, cron in wanted.items() if text not in live]
    silent = [row for row in kept if row.periodic_task_id is None]
    if gone or added or silent:
        lock_bells()
    _remove(gone)
    # Only the version is written: the runner may be advancing the row.
    CronTrigger.objects.filter(pk__in=[row.pk for row in kept]).update(version=version)
    for row in silent + _add(function, version, added):
        if row.next_at is not None:
            CronTrigger.objects.filter(pk=row.pk).update(periodic_task=hang_bell(row))


def remove_crons(function: Function) -> None:
    """Let no cron start the function any more. Called by deploying, with the function locked."""
    live = list(CronTrigger.objects.filter(function=function))
    if live:
        lock_bells()
        _remove(live)


def _add(function: Function, version: FunctionVersion, crons: Sequence[DefinedCron]) -> list[CronTrigger]:
    if not crons:
        return []
    now = _read_now()
    return CronTrigger.objects.bulk_create(
        CronTrigger(
            environment_id=function.environment_id,
            function=function,
            version=version,
            cron=cron.cron,
            schedule=cron.schedule,
            timezone=cron.timezone,
            next_at=next_tick(cron.schedule, cron.timezone, now),
        )
        for cron in crons
    )


def _remove(rows: Sequence[CronTrigger]) -> None:
    CronTrigger.objects.filter(pk__in=[row.pk for row in rows]).delete()
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
