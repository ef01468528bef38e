"""The Retry-After header: how long the other side wants us to wait."""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST = 7 * 24 * 3600.0
"""Seconds; a server that names a time years away does not put a run to sleep for years."""

_SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?").fullmatch


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds (0 to LONGEST) from ``Retry-After`` as a number, an HTTP date or an RFC 3339 time; None if absent or odd.

    A date is measured against the answer's own ``Date``, so that clocks need not agree.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS(value):
        return min(float(value), LONGEST)
    when = _time(value)
    if when is None:
        return None
    now = _time(headers.get("date", "")) or datetime.now(UTC)
    return min(max((when - now).total_seconds(), 0.0), LONGEST)


def _time(value: str) -> datetime | None:
    for parse in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            when = parse(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None
