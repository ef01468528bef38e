"""The events that start the functions of `python_app/functions`: sent all at once, looked at by the tests."""

from collections.abc import Mapping
from typing import Any

Json = Any

ODD_DATA: Json = {
    "": "the empty name",
    "a.b": {"c d": [None, True, False, [], {}]},
    "größe ☃ 𝄞": "\x00\x01\x7f\u2028\ufeff",
    "numbers": [0, -0.0, 1e308, 5e-324, 2**53 + 1, -(2**63), 10**30, 1.0],
    "quotes": "\"'\\/`${x}<script>",
    "__proto__": {"constructor": 1},
    "steps": {"data": 1, "error": {"name": "no"}},
    "deep": [[[[[[[[[[{}]]]]]]]]]],
}

EVENTS: Mapping[str, Json] = {
    "adds": {"a": 20, "b": 22},
    "answers_itself": {},
    "breaks": {},
    "breaks_at_once": {},
    "breaks_between_steps": {},
    "catches": {},
    "chains": {},
    "colliding_ids": {},
    "comes_back": {},
    "comes_back_in_a_step": {},
    "echoes": ODD_DATA,
    "fails_in_a_step": {},
    "fails_loudly": {"heard": True},
    "fans": {"branches": 20},
    "fans_mixed": {},
    "fans_twice": {},
    "gives_up": {},
    "gives_up_outside": {},
    "invokes": {},
    "invokes_elsewhere": {},
    "invokes_failing": {},
    "invokes_missing": {},
    "invokes_slow": {},
    "large": {"letter": "z" * 1000},
    "limited": {"user": "u", "urgent": False},
    "memoised": {},
    "nested": {},
    "not_a_number": {},
    "not_json": {},
    "odd_ids": {},
    "passes_on": {},
    "returns_nothing": {},
    "sends": {},
    "sleeps": {},
    "stumbles": {},
    "tells": {"n": 1},
    "that": {},
    "this": {},
    "too_large": {},
    "waits_in_vain": {},
    "without_steps": {"what": "ever"},
    "wraps": {},
}
"""By the event's name less `test/`: its data."""

RACES: Mapping[str, Json] = {
    "fans": {"branches": 20, "race": True},
    "fans_mixed": {"race": True},
    "fans_twice": {"race": True},
    "chains": {"race": True},
}
"""The same functions with their parallel steps in RACE mode; found as `<name> race`."""
