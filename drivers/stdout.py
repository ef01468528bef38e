"""What a program's standard output says: the step's output, and what is log (docs/function-format.md, "What it gives
back"). One rule for every runtime that has a standard output:

1. The whole text is one JSON value, on however many lines: it is the output, and there is no log.
2. Otherwise, the last line that is not blank is a JSON value by itself, and other lines stand before it: that line is
   the output and the lines before it are log, whatever they hold. This is ndjson, and also a program that says what it
   does and prints its result at the end.
3. Otherwise the whole text is the output, byte for byte, and becomes ``{"body": text}``.

A line ends at a newline; a carriage return before it is not part of the line.
"""

from drivers.json_text import NotJSON, TooDeep, status_of

_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


def split_output(stdout: bytes) -> tuple[list[str], bytes]:
    """The lines of log, then the output for ``answers.completed``: JSON without the blanks around it, or any text."""
    text = stdout.removeprefix(_BOM).rstrip(_BLANK)
    whole = text.lstrip(_BLANK)
    if _is_json(whole):
        return [], whole
    before, newline, last = text.rpartition(b"\n")
    last = last.lstrip(_BLANK)
    if newline and _is_json(last):
        return lines_of(before), last
    return [], stdout


def lines_of(text: bytes) -> list[str]:
    """The lines of a log. What is no UTF-8 becomes U+FFFD."""
    lines = text.decode(errors="replace").split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _is_json(text: bytes) -> bool:
    try:
        text.decode()  # its own check: msgspec does not look into strings
        status_of(text)
    except (UnicodeDecodeError, NotJSON):
        return False
    except TooDeep:
        return True  # as far as anyone looks; completed() says what is wrong with it
    return True
