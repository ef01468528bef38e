"""What the Event API takes: the settings' limits, read once, and those that are fixed."""

import sys
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NAME_MAX_CHARS = 255
ID_MAX_CHARS = 255
TS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_DEEPEST = 10_000
_FRAMES = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    event_bytes: int
    batch: int
    depth: int
    request_bytes: int
    queue_events: int
    queue_bytes: int


def read_limits() -> Limits:
    """The limits of this process. Also lets its JSON parser go as deep as they say."""
    depth: int = settings.EVENT_MAX_DEPTH
    if depth > _DEEPEST:
        raise ImproperlyConfigured(
            f"EVENT_MAX_DEPTH={depth}: the deepest that a thread's stack safely holds is {_DEEPEST}"
        )
    allow_depth(depth)
    return Limits(
        event_bytes=settings.EVENT_MAX_BYTES,
        batch=settings.EVENT_MAX_BATCH,
        depth=depth,
        request_bytes=settings.EVENT_REQUEST_MAX_BYTES,
        queue_events=settings.EVENT_QUEUE_MAX,
        queue_bytes=settings.EVENT_QUEUE_MAX_BYTES,
    )


def allow_depth(depth: int) -> None:
    """Lets this process's JSON parser go so deep."""
    # msgspec counts each level against Python's recursion limit, on top of the frames that are there.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), depth + _FRAMES))
