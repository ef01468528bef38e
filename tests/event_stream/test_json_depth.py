"""The structure of JSON text: what is left without its strings, of any bytes, at a cost that its length bounds."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.event_stream import json_depth
from apps.event_stream.json_depth import is_deeper, without_strings

MIB = 1024 * 1024


def sign_by_sign(text: bytes) -> bytes:
    """What `without_strings` is to be of JSON text, where backslashes stand in strings alone."""
    kept, inside, escaped = bytearray(), False, False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == ord("\\"):
            escaped = True
        elif sign == ord('"'):
            inside = not inside
        elif not inside:
            kept.append(sign)
    return bytes(kept)


_texts = st.lists(st.sampled_from([rb"\\", rb"\"", b'"', b"{", b"}", b"[", b"]", b",", b"a", b"\xff", b"\0"])).map(
    b"".join
)


@pytest.mark.parametrize("piece", [1, 2, 3, 64 * 1024])
def test_strings_are_left_out_wherever_they_begin_and_end(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_depth, "PIECE_BYTES", piece)

    @given(_texts)
    def holds(text: bytes) -> None:
        assert without_strings(text) == sign_by_sign(text)

    holds()


def test_a_string_is_left_out_however_long_it_is() -> None:
    long = b"]" * (3 * json_depth.PIECE_BYTES + 1)
    assert without_strings(b'["' + long + rb"\"" + long + b'",{}]') == b"[,{}]"
    assert without_strings(b'[{"' + long) == b"[{"


@pytest.mark.parametrize("signs", [b'"', rb"\"", rb"\\", b'"a', b'""[]'])
def test_a_text_of_nothing_but_strings_takes_no_more_memory_than_a_few_of_it(signs: bytes) -> None:
    text = signs * (4 * MIB // len(signs))
    tracemalloc.start()
    without_strings(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(text) + 8 * MIB


def test_brackets_in_strings_make_nothing_deep() -> None:
    assert is_deeper(b'[["[[[["]]', 1)
    assert not is_deeper(b'[["[[[[", "\\"[[["]]', 2)
