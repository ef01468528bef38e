import pytest
from rich.cells import cell_len

from apps.devserver.cells import cut, harmless, one_line, padded, wrapped
from apps.devserver.durations import span
from apps.devserver.secrets_in_urls import without_secrets
from apps.devserver.stacks import authors_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("a\rb\x07c\x9b1m", "a�b�c�1m"),
        ("\u202eesrever\u2066", "�esrever�"),
        ("\ud800", "?"),
        ("漢字 é 👍", "漢字 é 👍"),
    ],
)
def test_what_steers_a_terminal_is_replaced(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_text_of_several_lines_becomes_one() -> None:
    assert one_line("a\n  b\tc\u2028d") == "a b c d"


@pytest.mark.parametrize("width", [0, 1, 2, 5, 9, 10, 100])
def test_a_cut_text_fits(width: int) -> None:
    for text in ("abcdefghijklmnop", "漢字漢字漢字漢字", "a漢" * 10):
        assert cell_len(cut(text, width)) <= width
        assert cell_len(padded(text, width)) == width
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


def test_wrapping_loses_nothing() -> None:
    text = "  the quick brown fox " + "x" * 50 + " 漢字漢字漢字漢字漢字 end"
    lines = wrapped(text, 20)
    assert all(cell_len(line) <= 20 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"), (0.0451, "45 ms"), (0.9996, "1 s"), (1.2, "1.2 s"), (9.994, "9.99 s"), (12.34, "12.3 s"),
        (60, "1 min"), (125, "2 min 5 s"), (3_600, "1 h"), (3_661, "1 h 1 min"), (90_000, "1 d 1 h"), (-1, "0 ms"),
    ],
)  # fmt: skip
def test_spans_are_short(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


def test_of_a_python_trace_the_last_frames_of_the_author_are_shown() -> None:
    stack = """Traceback (most recent call last):
  File "/srv/.venv/lib/python3.12/site-packages/inngest/_internal/function.py", line 10, in call
    await handler(ctx)
  File "/srv/shop/functions.py", line 21, in charge
    return card(event)
  File "/srv/shop/cards.py", line 3, in card
    return event["card"]
KeyError: 'card'
"""
    assert authors_lines(stack, "KeyError: 'card'") == [
        'File "/srv/shop/functions.py", line 21, in charge',
        "  return card(event)",
        'File "/srv/shop/cards.py", line 3, in card',
        '  return event["card"]',
    ]


def test_of_a_javascript_trace_the_first_frames_of_the_author_are_shown() -> None:
    stack = """TypeError: no
    at card (/srv/shop/cards.ts:3:9)
    at run (/srv/node_modules/inngest/index.js:1:2)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)"""
    assert authors_lines(stack, "TypeError: no") == ["at card (/srv/shop/cards.ts:3:9)"]


def test_a_recursion_does_not_hide_where_it_began() -> None:
    javascript = "\n".join([*["at fall (deep.ts:2)"] * 8, "at run (index.ts:5)"])
    assert authors_lines(javascript, "no") == ["at fall (deep.ts:2)  … 8 times", "at run (index.ts:5)"]
    fall = ['  File "/shop/deep.py", line 2, in fall', "    fall()"]
    python = ['  File "/shop/run.py", line 5, in run', "    fall()", *fall * 3]
    python.append("  [Previous line repeated 974 more times]")
    assert authors_lines("\n".join(python), "RecursionError: too deep") == [
        'File "/shop/run.py", line 5, in run',
        "  fall()",
        'File "/shop/deep.py", line 2, in fall  … 977 times',
        "  fall()",
    ]


def test_a_trace_of_others_alone_is_shown_as_it_is() -> None:
    assert authors_lines("at x (/a/node_modules/b.js:1:1)", "no") == ["at x (/a/node_modules/b.js:1:1)"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("synced http://ada:s3cret@host:3000/x?a=b@c: ok", "synced http://host:3000/x?a=b@c: ok"),
        ("http://a@b@host/ and https://u:p@other", "http://host/ and https://other"),
        ("mail ada@example.com http://host/@me", "mail ada@example.com http://host/@me"),
    ],
)
def test_passwords_in_urls_are_not_shown(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
