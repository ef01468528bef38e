"""How far a deploy is: bars on a terminal, gone once it is over; of what is built, lines anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from apps.cli.printing import err, one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_MOST_LABEL = 20


class Stages:
    """Packing, building, uploading, waiting: a line says which of them it is, and how much of it is done. What is built
    has a second line of its own, and one that stays once it is there."""

    def __init__(self, progress: "Progress | None", task: "TaskID | None", *, is_quiet: bool) -> None:
        self._progress = progress
        self._task = task
        self._is_quiet = is_quiet

    def packing(self, done: int, total: int) -> None:
        """Of functions."""
        self._show("Checking", done, total, f"{done} of {total} functions")

    def building(self, done: int, total: int, what: str) -> None:
        """Of images, or of modules."""
        self._show("Building", done, total, f"{done} of {total} {what}")

    @contextmanager
    def part(self, verb: str, label: str) -> "Iterator[Part]":
        """While one thing is built, or pushed."""
        if self._progress is None:
            if not self._is_quiet:
                err().print(f"{verb.lower()} {one_line(label)}", soft_wrap=True)
            yield Part(None if self._is_quiet else label, None, None)
            return
        task = self._progress.add_task(f"{verb} {one_line(label, _MOST_LABEL)}", total=None, amount="")
        try:
            yield Part(None, self._progress, task)
        finally:
            self._progress.remove_task(task)

    def made(self, label: str, width: int, how: str, *, is_new: bool) -> None:
        """A line that stays, also off a terminal. `width` is that of the longest label."""
        if self._is_quiet:
            return
        from rich.text import Text

        mark, style = ("✓", "green") if is_new else ("·", "dim")
        name = Text(f"{one_line(label):<{width}}", "bold" if is_new else "dim")
        err().print(Text.assemble("  ", (mark, style), " ", name, "   ", (how, style)), soft_wrap=True)

    def uploading(self, sent: int, total: int) -> None:
        """Of bytes."""
        if sent < total:
            self._show("Uploading", sent, total, f"{size(sent)} of {size(total)}")
        else:
            self._show("Waiting for the server", total, total, f"{size(total)} sent")

    def _show(self, stage: str, done: int, total: int, amount: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=stage, completed=done, total=max(total, 1), amount=amount)


class Part:
    """One thing that is built or pushed."""

    def __init__(self, label: str | None, progress: "Progress | None", task: "TaskID | None") -> None:
        self._label = label
        self._progress = progress
        self._task = task
        self._said = ""

    def step(self, number: int, total: int, text: str) -> None:
        """The step that is at work, counted from 1; 0 of 0 while nobody knows."""
        amount = f"{number}/{total}  {one_line(text)}" if total else one_line(text)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=total or None, completed=max(number - 1, 0), amount=amount)
        elif self._label is not None and total and amount != self._said:
            self._said = amount
            err().print(f"  {one_line(self._label)}  {amount}", style="dim", soft_wrap=True)

    def transferred(self, sent: int, total: int) -> None:
        """Of bytes."""
        if self._progress is not None and self._task is not None and total:
            amount = f"{size(min(sent, total))} of {size(total)}"
            self._progress.update(self._task, total=total, completed=sent, amount=amount)


@contextmanager
def stages(*, is_quiet: bool = False) -> Iterator[Stages]:
    """To stderr. `is_quiet`: what was built is not told; on a terminal there are still bars while it is."""
    console = err()
    if not console.is_terminal:
        yield Stages(None, None, is_quiet=is_quiet)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=20),
        TextColumn(
            "{task.fields[amount]}", style="dim", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        ),
    )
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        yield Stages(progress, progress.add_task("Checking", total=1, amount=""), is_quiet=is_quiet)


def size(count: int) -> str:
    """Of bytes: `812 B`, `3.4 KiB`, `1.2 MiB`."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"
