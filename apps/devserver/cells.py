"""Texts that others wrote, made to fit into a terminal: without what steers it, cut and wrapped by its cells."""

from rich.cells import cell_len, chop_cells, set_cell_size

_REPLACED = "\ufffd"
# C0 and C1, which move the cursor or begin escape codes; line separators; and what turns the direction of the text.
_STEERING = dict.fromkeys(
    (*range(9), *range(10, 32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    _REPLACED,
)


def harmless(text: str) -> str:
    """One line without what would steer the terminal; lone surrogates, which cannot be written, are replaced too."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_STEERING).expandtabs(4).encode(errors="replace").decode()


def one_line(text: str) -> str:
    """The same of a text of several lines, which become one."""
    if text.isascii() and text.isprintable():
        return text
    return harmless(" ".join(text.split()))


def cells(text: str) -> int:
    """How wide the text is."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """The text, or its beginning with an ellipsis where it is wider."""
    # Most characters need a cell, none more than two: beyond it nothing needs to be looked at.
    if len(text) <= width and text.isascii():
        return text
    if width < 1:
        return ""
    text = text[: 4 * width]
    if cells(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def padded(text: str, width: int) -> str:
    """Cut or filled up to the width."""
    text = cut(text, width)
    return text + " " * (width - cells(text))


def wrapped(text: str, width: int) -> list[str]:
    """All of the text, in lines of at most this width, broken between words where that is possible."""
    if cells(text) <= width:
        return [text]
    indent = text[: len(text) - len(text.lstrip())][: width // 2]
    lines: list[str] = []
    line = indent
    for word in text.split():
        if cells(line) + cells(word) + (line != indent) <= width:
            line = f"{line} {word}" if line != indent else indent + word
            continue
        if line != indent:
            lines.append(line)
        *full, line = [indent + part for part in chop_cells(word, width - len(indent))] or [indent]
        lines += full
    return [*lines, line]
