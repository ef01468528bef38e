import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.canonical_json import canonical, thorough

_NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
_STRINGS = st.text(st.sampled_from('a1"\\/\n\x00\x7fé€\u2028\ue000\uffff\U00010000😀')).flatmap(
    lambda text: st.booleans().map(lambda ascii_only: json.dumps(text, ensure_ascii=ascii_only))
)
_TEXTS = st.recursive(
    _NUMBERS | _STRINGS | st.sampled_from(["true", "false", "null", '"\\ud800"', '"\\udfff\\\\ud83d"']),
    lambda inner: (
        st.lists(inner).map(lambda items: f"[{' , '.join(items)}]")
        | st.lists(st.tuples(_STRINGS, inner)).map(lambda pairs: f"{{{', '.join(f'{k} :{v}' for k, v in pairs)}}}")
    ),
)


@given(_TEXTS)
def test_the_quick_way_and_the_thorough_one_agree_and_change_nothing_twice(text: str) -> None:
    found = canonical(text.encode())
    assert found == thorough(text.encode())
    assert canonical(found) == thorough(found) == found


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        *[("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324")],
        *[("7fefffffffffffff", "1.7976931348623157e+308"), ("ffefffffffffffff", "-1.7976931348623157e+308")],
        *[("4340000000000000", "9007199254740992"), ("4430000000000000", "295147905179352830000")],
        *[("44b52d02c7e14af5", "9.999999999999997e+22"), ("44b52d02c7e14af6", "1e+23")],
        *[("444b1ae4d6e2ef4e", "999999999999999700000"), ("444b1ae4d6e2ef50", "1e+21")],
        *[("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001")],
        *[("41b3de4355555553", "333333333.3333332"), ("becbf647612f3696", "-0.0000033333333333333333")],
    ],
)
def test_a_number_is_written_as_rfc_8785_lists_it(bits: str, written: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(repr(value).encode()) == written.encode()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        *[("1.0", "1"), ("-0", "0"), ("1E2", "100"), ("9007199254740993", "9007199254740992")],
        *[("12345678901234567890", "12345678901234567000"), ("9" * 5000, "null"), ("-1e400", "null")],
        ('["1234567890123456789"]', '["1234567890123456789"]'),
    ],
)
def test_a_number_is_the_double_that_a_reader_makes_of_it(text: str, written: str) -> None:
    assert canonical(text.encode()) == written.encode()


def test_keys_are_ordered_by_their_utf_16_and_the_last_of_equal_ones_counts() -> None:
    text = '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7,"1":8}'
    assert list(json.loads(canonical(text.encode()))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]
    assert json.loads(canonical(text.encode()))["1"] == 8


def test_a_string_is_escaped_no_more_than_needed() -> None:
    text = b'"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"'
    assert canonical(text) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


def test_half_a_surrogate_pair_is_replaced_and_a_backslash_before_its_letters_is_not() -> None:
    assert canonical(b'["\\ud83d","\\ud83d\\ude00","\\\\ud83d","\\ude00\\ud83d"]') == (
        '["\ufffd","😀","\\\\ud83d","\ufffd\ufffd"]'.encode()
    )


@pytest.mark.parametrize(
    "text", [b"", b"{", b"NaN", b"[Infinity]", b"01", b'{"a":1,}', b'"\xff"', b"\xef\xbb\xbf{}", b'"\n"', b"[1] 2"]
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(text)


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        canonical(b"[" * 5000 + b"]" * 5000)
