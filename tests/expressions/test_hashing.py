"""Values as numbers for an index."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from apps.expressions import UInt, Value, hash_values, read_json


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, UInt(1)),
        (0, -0.0),
        (2**63, 2.0**63),
        (10**18, 1e18),
        ([1, [2.0]], [1.0, [2]]),
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}),
        ({1: "x"}, {UInt(1): "x"}),
    ],
)
def test_equal_values_have_the_same_number(one: Value, other: Value) -> None:
    assert hash_values([one]) == hash_values([other])


def test_unequal_values_have_different_numbers() -> None:
    values: list[Value] = [
        None, False, True, 0, 1, 1.5, 2**63, math.inf, "", "1", "a", "True", "None", b"a", b"", [], {}, [1], ["1"],
        [[]], [[], []], [1, 2], [2, 1], {"a": 1}, {"a": 2}, {"b": 1}, {"a": {}}, {"a": []}, [{"a": 1}], "\ud800",
        datetime(2026, 1, 1, tzinfo=UTC), timedelta(1), timedelta(2), {1: 1}, {"1": 1}, {True: 1},
    ]  # fmt: skip
    assert len({hash_values([value]) for value in values}) == len(values)
    assert hash_values(["a", "b"]) != hash_values(["ab"]) != hash_values([["a", "b"]])


def test_what_equals_nothing_has_no_number() -> None:
    assert hash_values([math.nan]) is None
    assert hash_values([1, {"a": [math.nan]}]) is None


def test_numbers_stay_what_they_were() -> None:
    """They are in databases: a change here loses the waits of those who upgrade."""
    assert hash_values(["a1"]) == KEPT["text"]
    assert hash_values([5, 1.5]) == KEPT["numbers"]
    assert hash_values([None, True, {"b": [1, "x"], "a": {}}]) == KEPT["nested"]


def test_numbers_are_of_64_bits_and_signed() -> None:
    numbers = [hash_values([value]) or 0 for value in range(1_000)]
    assert all(-(2**63) <= number < 2**63 for number in numbers)
    assert min(numbers) < 0 < max(numbers)


def test_data_may_be_as_deep_as_it_likes() -> None:
    assert hash_values([read_json("[" * 50_000 + "]" * 50_000)]) is not None


KEPT = {
    "text": -7386910945534342247,
    "numbers": 5436373109761178645,
    "nested": -1009217444782832381,
}
