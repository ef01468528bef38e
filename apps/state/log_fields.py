"""What of a record goes to the log, as fields: names, ids, states and durations, and no payload."""

from apps.state.told import EventReceived, NotStarted, Told

_LOGGED = (
    "function",
    "run",
    "version",
    "step",
    "step_id",
    "event_id",
    "event_name",
    "sets_off",
    "status",
    "attempt",
    "attempts",
    "seconds",
    "until",
    "then",
    "reason",
    "counts",
)
"""Outputs, logs of steps, events' data, and what of it a wait compares, are not among them."""


def fields_of(told: Told) -> dict[str, object]:
    """The fields that say something. None has a name that the log uses for its own: `event`, `name`, `level`, …"""
    fields = {name: value for name in _LOGGED if (value := getattr(told, name, "")) != ""}
    if isinstance(told, EventReceived):
        fields |= {"event_id": told.id, "event_name": told.name}
    if isinstance(told, NotStarted):
        del fields["reason"]  # it may quote a key that was made of the event's data
    error = getattr(told, "error", None)
    if error is not None:
        fields["error"] = {"name": error.name, "message": error.message}
    return fields
