"""Tables: aligned columns that fit the terminal; off a terminal every cell is whole."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from apps.cli.printing import is_cut, one_line, out

if TYPE_CHECKING:
    from rich.text import Text

_GAP = 2
"""Spaces between columns."""
_LEAST = 4
"""What is left of a column that is cut short, in characters."""


def table(
    headers: Sequence[str],
    rows: "Iterable[Sequence[str | Text]]",
    give: Collection[str] = (),
    right: Collection[str] = (),
) -> None:
    """Prints rows; numbers go `right`. A narrow terminal cuts the columns in `give`, and then all the others."""
    from rich.text import Text

    shown = [[Text(one_line(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows]
    titles = [Text(header, style="dim") for header in headers]
    widths = [max(cell.cell_len for cell in column) for column in zip(titles, *shown, strict=True)]
    has_edge = is_cut()
    if has_edge:
        widths = fitted(widths, [header in give for header in headers], out().width - _GAP * (len(widths) - 1))
    is_right = [header in right for header in headers]
    out().print(_line(titles, widths, is_right), soft_wrap=True)
    if has_edge:
        out().print(Text("─" * (sum(widths) + _GAP * (len(widths) - 1)), style="dim"), soft_wrap=True)
    for row in shown:
        out().print(_line(row, widths, is_right), soft_wrap=True)


def fitted(widths: Sequence[int], gives: Sequence[bool], room: int) -> list[int]:
    """The widths of columns that have so much room together: the widest become narrower, first of those that give."""
    left = list(widths)
    for turn in (True, False):
        ours = [index for index, gives_way in enumerate(gives) if gives_way is turn]
        while sum(left) > room and (wide := [index for index in ours if left[index] > _LEAST]):
            left[max(wide, key=lambda index: left[index])] -= 1
    return left


def _line(cells: "Sequence[Text]", widths: Sequence[int], is_right: Sequence[bool]) -> "Text":
    from rich.text import Text

    line = Text()
    for cell, width, to_the_right in zip(cells, widths, is_right, strict=True):
        fitting = cell.copy()
        fitting.truncate(width, overflow="ellipsis")
        blank = " " * (width - fitting.cell_len)
        line.append_text(Text.assemble(blank, fitting) if to_the_right else Text.assemble(fitting, blank))
        line.append(" " * _GAP)
    line.rstrip()
    return line
