"""What is told of events that were consumed."""

import json
import logging
from collections.abc import Sequence

import msgspec
from django.db import DatabaseError, InterfaceError

from apps.event_stream.beginnings import beginnings_of_data
from apps.event_stream.consuming import StreamEvent
from apps.state.teller import is_watched
from apps.state.told import SHOWN_CHARS, EventReceived, NotStarted, RunEnded, RunStarted, StepSaid, Told, shortened

log = logging.getLogger(__name__)

_UNTOLD = {"inngest/scheduled.timer", "inngest/function.invoked", "inngest/signal.sent"}
"""Of what the server puts into the stream itself: what it set off was told when that happened."""
_decoder = json.JSONDecoder()


def with_events(events: Sequence[StreamEvent], told: Sequence[Told]) -> list[Told]:
    """What is told of a batch: each event, followed by what it set off. Called after the commit: the events' data cost
    a statement of their own, and only where a person looks on."""
    shown = [event for event in events if event.name not in _UNTOLD]
    data = _data_of(shown) if is_watched() else {}
    by_event: dict[str, list[Told]] = {}
    for one in told:
        by_event.setdefault(_set_off_by(one), []).append(one)
    ordered: list[Told] = []
    for event in shown:
        effects = by_event.pop(event.internal_id, [])
        ordered.append(
            EventReceived(
                id=event.internal_id,
                name=event.name,
                data=_compact(data.get(event.seq, "")),
                sets_off=len(effects),
            )
        )
        ordered += effects
    return [*ordered, *(one for left in by_event.values() for one in left)]


def _data_of(events: Sequence[StreamEvent]) -> dict[int, str]:
    try:
        return beginnings_of_data(events, SHOWN_CHARS)
    except (DatabaseError, InterfaceError) as error:
        # What they set off is committed, and must be rung for.
        log.warning("of %d events no data is shown: %s", len(events), error)
        return {}


def _set_off_by(one: Told) -> str:
    """The id of the event that it came of: of runs and waits, their reason ends with it."""
    if isinstance(one, NotStarted):
        return one.event_id
    return one.reason.rpartition(" ")[2] if isinstance(one, RunStarted | StepSaid | RunEnded) else ""


def _compact(beginning: str) -> str:
    """JSON without white space, or, if it goes on, its beginning as it is."""
    try:
        _, end = _decoder.raw_decode(beginning)
    except (ValueError, RecursionError):
        return shortened(beginning + "…", SHOWN_CHARS) if beginning else ""
    return msgspec.json.format(beginning[:end], indent=-1)
