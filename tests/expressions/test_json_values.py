"""JSON text as values: all of it, whatever it has."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.expressions import Value, read_json
from apps.expressions.deep_json import read_deep_json
from tests.expressions.made_up import AT_LEISURE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ('{"a": [1, 1.5, true, "ü"]}', {"a": [1, 1.5, True, "ü"]}),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", 2.0**63),
        ("[-9223372036854775809]", [-(2.0**63)]),
        ("1" * 5_000, math.inf),
        ("1e400000", math.inf),
        ("-1e400000", -math.inf),
        (r'"\ud800"', "\ud800"),
        (r'"\ud83d\ude00\u0000"', "😀\0"),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("1234567890123456789", 1234567890123456789),
    ],
)
def test_every_json_text_has_a_value(text: str, expected: Value) -> None:
    for form in (text, text.encode()):
        value = read_json(form)
        assert value == expected
        assert type(value) is type(expected)


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("inner", ["", '{"a": [1, "\\ud800"], "b": {}}', "1e999"])
def test_json_may_be_as_deep_as_it_likes(depth: int, inner: str) -> None:
    value = read_json("[" * depth + inner + "]" * depth)
    for _ in range(depth - 1):
        (value,) = value
    assert len(value) == (1 if inner else 0)


SHALLOW = ["", "nul", "[1,]", "{'a': 1}", "NaN", "[Infinity]", "1 2", '"\n"', "01", '{"a"}', "[", "1]"]
INNER = [",", "1,", "1 2", '{"a"}', '{"a":}', '{"a":1,}', "{1:2}", "tru", '"', "}", ":", "]", "["]


@pytest.mark.parametrize("text", SHALLOW + ["[" * 5_000 + inner + "]" * 5_000 for inner in INNER] + ["[" * 5_000])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        read_json(b'"\xff"')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@AT_LEISURE
@given(json_values, st.booleans())
def test_the_slow_way_and_the_quick_way_agree(value: Value, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).replace("Infinity", "1e999")
    assert read_json(text) == read_deep_json(text, int) == json.loads(text)
