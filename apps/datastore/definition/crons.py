"""Cron triggers: five fields, and optionally a time zone before them, as in `TZ=Europe/Paris 0 9 * * 1`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from apps.datastore.definition.faults import FaultLog, shown
from apps.datastore.definition.values import check_text

MAX_LENGTH = 200


def check_cron(value: object, path: str, log: FaultLog) -> None:
    text = check_text(value, path, log, MAX_LENGTH, one_line=True)
    if text is None:
        return
    fields = text.split()
    if fields[0].startswith("TZ="):
        zone = fields.pop(0).removeprefix("TZ=")
        if not _is_zone(zone):
            log.add(path, f"{shown(zone)} is not a time zone; they are named as in Europe/Paris")
    if len(fields) != 5:
        log.add(path, "must have five fields: minute, hour, day of the month, month, day of the week")
        return
    try:
        CronSim(" ".join(fields), datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError) as fault:
        log.add(path, f"is not a cron expression: {fault}")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        # OSError: names that are a folder of the zone database, or too long for a file's name.
        return False
    return True
