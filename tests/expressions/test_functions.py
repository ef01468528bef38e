"""The functions, one by one."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.expressions import UInt, Value
from tests.expressions.evaluating import NOW, error_of, evaluate

EVENT: dict[str, Value] = {"s": "Straße", "n": 5, "b": b"\xff", "l": [1, 2], "ends": "2026-02-01T10:00:00+02:00"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.s.startsWith('Str')", True),
        ("event.s.endsWith('e')", True),
        ("event.s.contains('aß')", True),
        ("event.s.matches('^S.*e$')", True),
        ("matches(event.s, 'ß')", True),
        ("event.s.matches('^tra')", False),
        ("event.missing.startsWith('a')", False),
        ("event.missing.endsWith('a')", False),
        ("event.missing.contains('a')", False),
        ("event.missing.matches('a')", False),
        ("event.s.contains(event.missing)", False),
        ("lowercase(event.s)", "straße"),
        ("uppercase(event.s)", "STRASSE"),
        ("event.s.lowercase()", "straße"),
        ("lowercase(event.missing)", None),
        ("size(event.s)", 6),
        ("event.l.size()", 2),
        ("size(event)", 5),
        ("size(b'ab')", 2),
        ("size(event.missing)", 0),
    ],
)
def test_text(text: str, expected: Value) -> None:
    assert evaluate(text, EVENT) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int('-12')", -12),
        ("int(2.9)", 2),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("uint('7')", UInt(7)),
        ("double('1e3')", 1000.0),
        ("double(5)", 5.0),
        ("string(5.0)", "5"),
        ("string(1.5)", "1.5"),
        ("string(7u)", "7"),
        ("string(true)", "true"),
        ("string(b'abc')", "abc"),
        ("string(duration('90m'))", "5400s"),
        ("string(duration('-1.5s'))", "-1.5s"),
        ("string(timestamp('2026-01-31T09:30:00.250+01:00'))", "2026-01-31T08:30:00.25Z"),
        ("bytes('ß')", "ß".encode()),
        ("bool('true')", True),
        ("dyn(1)", 1),
        ("type(1u) == uint && type(null) == null_type && type(type(1)) == type", True),
        ("type(now()) == google.protobuf.Timestamp", True),
    ],
)
def test_conversions(text: str, expected: Value) -> None:
    result = evaluate(text, EVENT)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date('2026-01-31')", datetime(2026, 1, 31, tzinfo=UTC)),
        ("date('2026-01-31T10:00:00')", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("date(event.ends)", datetime(2026, 2, 1, 8, tzinfo=UTC)),
        ("date(1767225600)", datetime(2026, 1, 1, tzinfo=UTC)),
        ("date(1767225600123)", datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)),
        ("date(1767225600.5)", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("date(99999999999)", datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        ("date(100000000000)", datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        ("date(now())", NOW),
        ("date(event.missing)", None),
        ("date(event.missing) > now()", False),
        ("now()", NOW),
        ("now_plus('1h30m')", NOW + timedelta(minutes=90)),
        ("now_minus(duration('2d'))", NOW - timedelta(days=2)),
        ("date(event.ends) - duration('1h')", datetime(2026, 2, 1, 7, tzinfo=UTC)),
        ("date(event.ends) - now() > duration('22h')", True),
        ("timestamp(0)", datetime(1970, 1, 1, tzinfo=UTC)),
        ("duration('1w2d3h4m5s6ms7us')", timedelta(9, 11_045, 6_007)),
        ("duration('-1.5h')", timedelta(hours=-1.5)),
        ("duration('0')", timedelta(0)),
        ("now().getFullYear()", 2026),
        ("now().getMonth()", 0),
        ("now().getDate()", 31),
        ("now().getDayOfMonth()", 30),
        ("now().getDayOfWeek()", 6),
        ("now().getDayOfYear()", 30),
        ("now().getHours('America/New_York')", 4),
        ("now().getMinutes('+05:45')", 15),
        ("duration('90m').getHours()", 1),
        ("duration('-90m').getMinutes()", -90),
        ("duration('1.25s').getMilliseconds()", 250),
    ],
)
def test_times(text: str, expected: Value) -> None:
    assert evaluate(text, EVENT) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("event.n.contains('a')", "no such overload: contains(int, string)"),
        ("size(5)", "no such overload: size(int)"),
        ("lowercase(5)", "no such overload: lowercase(int)"),
        ("int('five')", "the text is not a whole number"),
        ("int(1e300)", "overflow: the number does not fit into 64 bits"),
        ("uint(-1)", "overflow: the number does not fit into 64 unsigned bits"),
        ("double('x')", "the text is not a number"),
        ("string(event.l)", "no such overload: string(list)"),
        ("string(event.b)", "the bytes are not UTF-8"),
        ("bool('yes')", "the text is neither true nor false"),
        ("date('tomorrow')", 'not a date such as "2026-01-31" or "2026-01-31T09:30:00Z"'),
        ("date('2026-02-30')", 'not a date such as "2026-01-31" or "2026-01-31T09:30:00Z"'),
        ("date(true)", "no such overload: date(bool)"),
        ("date(1e300)", "overflow: the duration is out of range"),
        ("timestamp('2026-01-31')", 'not a time such as "2026-01-31T09:30:00Z"'),
        ("duration('1 day')", 'not a duration such as "30s", "1h30m" or "2d" (units: ns us ms s m h d w)'),
        ("duration('9999999w')", "overflow: the duration is out of range"),
        ("now_plus('9999999h') + duration('9999999h') * 1", "no such overload: duration * int"),
        ("now_plus('79999999h')", "overflow: the time is out of range"),
        ("timestamp('0001-01-01T00:00:00Z') - duration('1s')", "overflow: the time is out of range"),
        ("now().getHours('Mars/Olympus')", "not a time zone"),
        ("now().getHours('../../etc/passwd')", "not a time zone"),
        ("now().getHours('+99:00')", "not a time zone"),
        ("event.missing.getHours()", "no such overload: getHours(null)"),
        ("'a'.matches(event.s + '(')", "not a regular expression: missing ): Straße("),
        ("'a'.matches('(?=a)' + '')", "not a regular expression: invalid perl operator: (?="),
    ],
)
def test_what_a_function_cannot_take(text: str, message: str) -> None:
    assert error_of(text, EVENT) == message
