"""What a run begins with: the edges from its trigger, and the events that cancel it."""

from datetime import datetime, timedelta

from apps.datastore.definition.scopes import CANCEL_NAMES
from apps.datastore.definition.types import TRIGGER, FunctionDefinition
from apps.state.walking import Branches, Listening, Reader, Walked, key_of, walk


def walk_from_trigger(definition: FunctionDefinition, reader: Reader, now: datetime) -> Walked:
    """The edges from the trigger."""
    return walk(definition, [TRIGGER], [TRIGGER], reader, now)


def cancelling_events(definition: FunctionDefinition, reader: Reader, now: datetime) -> list[Listening]:
    """What the run listens for to be cancelled."""
    listening = []
    for cancel in definition.cancel:
        key = key_of(cancel.condition, CANCEL_NAMES, reader, [TRIGGER], now)
        expires_at = None if cancel.timeout is None else now + timedelta(seconds=cancel.timeout)
        listening.append(Listening(TRIGGER, cancel.event, cancel.condition, key, expires_at, Branches()))
    return listening
