"""The texts in an answer: errors, times; and any answer at all."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.executor.asked import moment_after
from apps.executor.errors import error_of
from apps.executor.opcodes import BadAnswer, parse_opcodes


def error(name: str = "ValueError", message: str = "boom", stack: str = "") -> str:
    return json.dumps({"name": name, "message": message, "stack": stack}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("null", error("Error", "the step failed without saying why")),
        ("{}", error("Error", "the step failed without saying why")),
        ('{"name":"E","message":"m","stack":"s","more":1}', error("E", "m", "s")),
        ('{"error":"an old one"}', error("Error", "an old one")),
        ('"only a text"', error("Error", '"only a text"')),
        ('{"message":{"no":"text"}}', error("Error", '{"message":{"no":"text"}}')),
        ('{"name":"E","message":"m","cause":{"a":[1]}}', error("E", "m")[:-1] + ',"cause":{"a":[1]}}'),
    ],
)
def test_an_error_is_kept_with_name_message_stack_and_cause(given: str, expected: str) -> None:
    assert error_of(msgspec.Raw(given.encode())) == expected


def test_a_time_is_a_moment_and_a_duration_counts_from_now() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert moment_after(now, 90.0) == now + timedelta(seconds=90)
    assert moment_after(now, datetime(2027, 1, 1)) == datetime(2027, 1, 1, tzinfo=UTC)  # noqa: DTZ001
    east = timezone(timedelta(hours=2))
    assert moment_after(now, datetime(2027, 1, 1, 2, tzinfo=east)) == datetime(2027, 1, 1, tzinfo=UTC)


TEXTS = st.text(max_size=8) | st.sampled_from(
    ["1h", "step", "race", "event.data.n == 1", "2030-01-01T00:00:00Z", "\ud800"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OPS = st.sampled_from(
    [
        "Step",
        "StepRun",
        "StepError",
        "StepFailed",
        "StepPlanned",
        "Sleep",
        "WaitForEvent",
        "WaitForSignal",
        "InvokeFunction",
        "Gateway",
        "AIGateway",
        "RunComplete",
        "DiscoveryRequest",
        "StepNotFound",
    ]
)
OPTS = st.dictionaries(
    st.sampled_from(
        ["timeout", "if", "event", "signal", "conflict", "function_id", "payload", "url", "parallelMode", "duration"]
    ),
    VALUES | st.fixed_dictionaries({}, optional={"data": VALUES, "user": VALUES, "v": VALUES}),
    max_size=4,
)
LIKE_OPCODES = st.fixed_dictionaries(
    {"id": TEXTS, "op": OPS | VALUES},
    optional={"name": VALUES, "displayName": VALUES, "opts": OPTS | VALUES, "data": VALUES, "error": VALUES},
)


@settings(max_examples=400, deadline=None)
@given(st.lists(LIKE_OPCODES | VALUES, max_size=3), st.sampled_from([None, -1, 0, 1, 2]))
@example([{"id": "a", "op": "StepError", "error": {"message": "\ud800"}}], 2)
def test_any_array_is_understood_or_said_to_be_a_bad_answer(opcodes: list[Any], version: int | None) -> None:
    try:
        found = parse_opcodes(json.dumps(opcodes), version)
    except BadAnswer:
        return
    assert len(found) == len(opcodes)
    for one in found:
        step = getattr(one, "step", None)
        assert step is None or (step.step_id not in {"", "step"} and step.name)
