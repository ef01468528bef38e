import pytest

from drivers.shown_text import one_line


def test_a_plain_text_stays_as_it_is() -> None:
    assert one_line("das Gerät: 装置 🙂") == "das Gerät: 装置 🙂"


def test_white_space_of_any_kind_is_one_space() -> None:
    assert one_line(" a\r\n\tb\u2028c\x85d\x0be ") == "a b c d e"


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x07", "\x7f", "\x9b", "\ud800", "\u202e", "\u200b"])
def test_what_cannot_be_printed_is_replaced(character: str) -> None:
    assert one_line(f"a{character}[31mb") == "a\ufffd[31mb"


@pytest.mark.parametrize("text", ["x" * 501, "x" * 9_000_000, "x " * 1_000, " " * 9_000 + "x", "x" * 400 + " " * 9_000])
def test_a_long_text_is_cut_to_500_characters_and_says_so(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 500
    assert line.endswith("…")
    assert one_line("x" * 500) == "x" * 500
