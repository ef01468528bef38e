"""The names that each kind of expression may use: checked when a definition is parsed, given when it is evaluated."""

TRIGGER_NAMES = frozenset({"event"})
"""A trigger's `expression`."""

KEY_NAMES = frozenset({"event"})
"""`idempotency`, and a throttle's `key`."""

EDGE_NAMES = frozenset({"event", "steps", "response"})
"""An edge's `if` and `wait`; `response` is the output of the step that the edge comes from."""

MATCH_NAMES = EDGE_NAMES | {"async"}
"""The `match` of an edge's `async`; `async` is the arriving event."""

CANCEL_NAMES = frozenset({"event", "async"})
"""The `if` of a `cancel`; `async` is the arriving event."""
