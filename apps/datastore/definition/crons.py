"""Cron triggers: five fields, and optionally a time zone before them, as in `TZ=Europe/Paris 0 9 * * 1`."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

from apps.datastore.definition.faults import FaultLog, shown
from apps.datastore.definition.suggestions import did_you_mean
from apps.datastore.definition.types import CronTrigger
from apps.datastore.definition.values import check_text

MAX_LENGTH = 200


def parse_cron(value: object, path: str, log: FaultLog) -> CronTrigger | None:
    text = check_text(value, path, log, MAX_LENGTH, one_line=True)
    if text is None:
        return None
    before = log.count
    fields, timezone = text.split(), "UTC"
    if fields[0].startswith("TZ="):
        timezone = fields.pop(0).removeprefix("TZ=")
        if timezone not in _zones():
            hint = did_you_mean(timezone, _zones()) or "; they are named as in Europe/Paris"
            log.add(path, f"{shown(timezone)} is not a time zone{hint}")
    if log.count == before:
        _check_schedule(fields, path, log)
    return None if log.count > before else CronTrigger(text, " ".join(fields), timezone)


def _check_schedule(fields: list[str], path: str, log: FaultLog) -> None:
    if len(fields) != 5:
        log.add(path, "must have five fields: minute, hour, day of the month, month, day of the week")
        return
    try:
        next(CronSim(" ".join(fields), datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, ValueError) as fault:
        log.add(path, f"is not a cron expression: {fault}")
    except StopIteration:
        log.add(path, "never comes: no day in fifty years is as it says")


@cache
def _zones() -> frozenset[str]:
    # By the list, not by opening a zone: `localtime` and `right/…` can be opened, and mean something else elsewhere.
    return frozenset(available_timezones() - {"localtime"})
