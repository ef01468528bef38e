"""The time zone of the person at this terminal.

Django's settings set the zone of the whole process: whoever runs the development server imports this module first.
"""

import os
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

_SYSTEM = Path("/etc/localtime")


def _find_zone(name: str | None) -> tzinfo | None:
    """The zone that TZ names, or the system's; of one that has no file (`CET-1CEST`) the offset that holds now."""
    try:
        if name is None:
            return _of_file(_SYSTEM)
        name = name.removeprefix(":")
        return _of_file(Path(name)) if name.startswith("/") else ZoneInfo(name or "UTC")
    except (OSError, ValueError, LookupError):
        return datetime.now().astimezone().tzinfo


def _of_file(path: Path) -> ZoneInfo:
    with path.open("rb") as file:
        return ZoneInfo.from_file(file)


ZONE = _find_zone(os.environ.get("TZ"))
_LAST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()


def at(moment: float) -> datetime:
    """The moment, in seconds since 1970, as the person's clock shows it."""
    return datetime.fromtimestamp(min(moment, _LAST), ZONE)
