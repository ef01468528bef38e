import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastore.definition import InvalidDuration, parse_duration

UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h30m", 5_400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("1.5h", 5_400),
        ("0.1s0.2s", 0.3),
        ("250ms", 0.25),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("10μs", 1e-5),
        ("7ns", 7e-9),
        ("30m1h", 5_400),
        ("0s", 0),
        ("5m", 300),
        ("5ms", 0.005),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "30",
        "s",
        "1h 30m",
        " 1h",
        "1h\n",
        "-1h",
        "+1h",
        "1H",
        "1y",
        "1.h",
        ".5h",
        "1,5h",
        "1e3s",
        "\u0661s",
        "1hm",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidDuration, match="must be a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["101" * 30 + "w", "5300w", "1s" * 60])
def test_a_duration_that_no_clock_could_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidDuration, match="at most"):
        parse_duration(text)


@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 99), st.sampled_from(sorted(UNITS))), min_size=1, max_size=5)
)
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, int, str]]) -> None:
    text = "".join(f"{whole}.{part:02d}{unit}" for whole, part, unit in parts)
    expected = sum((whole + part / 100) * UNITS[unit] for whole, part, unit in parts)
    assert math.isclose(parse_duration(text), expected, rel_tol=1e-9, abs_tol=1e-12)


@given(st.text() | st.text(alphabet="0123456789.nuµμmshdw -"))
def test_any_text_is_a_duration_or_is_refused(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except InvalidDuration:
        return
    assert 0 <= seconds < math.inf
