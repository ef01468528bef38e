"""Start guards: how often a function may start for one key (rule 13).

A guard is a row whose window begins with the first start and ends when it expires. Two that decide on the same key at
once wait for each other on its row.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

PLAIN_KEY = 160
"""Characters of a key that is kept as it is; a longer one, or one that no row can hold, is kept as its hash."""


class Asked(NamedTuple):
    """A start that is asked for. One guard (function, kind, key) comes with the same `most` and `window` each time."""

    function_id: int
    kind: str
    key: str
    most: int
    """Starts in one window."""
    window: float
    """Seconds."""
    event_id: str


class Ruling(NamedTuple):
    """Whether a start is granted, and the event that began its window."""

    granted: bool
    event_id: str


# Made or found, the rows are locked in the order of their keys, so that none waits for another in a circle. A new one
# has expired already: its window begins with the first start.
_LOCK = """
INSERT INTO state_startguard AS guard (function_id, kind, key, count, event_id, expires_at)
SELECT DISTINCT function_id, kind COLLATE "C", key COLLATE "C", 0, '', %s::timestamptz
FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS g (function_id, kind, key)
ORDER BY 1, 2, 3 ON CONFLICT (function_id, kind, key) DO UPDATE SET count = guard.count
RETURNING guard.function_id, guard.kind, guard.key, guard.count, guard.event_id, guard.expires_at
"""
_KEEP = """
UPDATE state_startguard AS guard SET count = kept.count, event_id = kept.event_id, expires_at = kept.expires_at
FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::int[], %b::text[], %b::timestamptz[])
  AS kept (function_id, kind, key, count, event_id, expires_at)
WHERE guard.function_id = kept.function_id AND guard.kind = kept.kind AND guard.key = kept.key
  AND guard.function_id = ANY (%b::bigint[]) AND guard.kind = ANY (%b::text[]) AND guard.key = ANY (%b::text[])
"""

Guard = tuple[int, str, str]


def ask(asked: Sequence[Asked], now: datetime) -> list[Ruling]:
    """Rule on starts in the order given, and count those that are granted. Two statements, whatever their number.

    Called in the transaction that starts the runs, before it locks any run.
    """
    if not asked:
        return []
    guards = [(one.function_id, one.kind, stored_key(one.key)) for one in asked]
    names = _columns(sorted(set(guards)), 3)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, (now, *names))
        windows: dict[Guard, Window] = {
            (function_id, kind, key): Window(count, event_id, expires_at)
            for function_id, kind, key, count, event_id, expires_at in cursor.fetchall()
        }
        found = dict(windows)
        rulings = [_rule(one, guard, windows, now) for one, guard in zip(asked, guards, strict=True)]
        kept = [(*guard, *window) for guard, window in windows.items() if window != found[guard]]
        if kept:
            cursor.execute(_KEEP, (*_columns(kept, 6), *_columns(kept, 3)))
    return rulings


class Window(NamedTuple):
    starts: int
    event_id: str
    expires_at: datetime


def _rule(asked: Asked, guard: Guard, windows: dict[Guard, Window], now: datetime) -> Ruling:
    window = windows[guard]
    if window.expires_at <= now:
        window = Window(0, asked.event_id, now + timedelta(seconds=asked.window))
    granted = window.starts < asked.most
    if granted:
        windows[guard] = window._replace(starts=window.starts + 1)
    return Ruling(granted, window.event_id)


def stored_key(key: str) -> str:
    """The key as a row can hold it."""
    if len(key) <= PLAIN_KEY and key.isprintable():
        return key
    return "sha256:" + hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(width)]
