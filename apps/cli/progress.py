"""How far a deploy is: on a terminal only, and gone once it is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from apps.cli.printing import err

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Stages:
    """Packing, uploading, waiting: one line that says which of them it is, and how much of it is done."""

    def __init__(self, progress: "Progress | None", task: "TaskID | None") -> None:
        self._progress = progress
        self._task = task

    def packing(self, done: int, total: int) -> None:
        """Of functions."""
        self._show("Checking", done, total, f"{done} of {total} functions")

    def uploading(self, sent: int, total: int) -> None:
        """Of bytes."""
        if sent < total:
            self._show("Uploading", sent, total, f"{size(sent)} of {size(total)}")
        else:
            self._show("Waiting for the server", total, total, f"{size(total)} sent")

    def _show(self, stage: str, done: int, total: int, amount: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=stage, completed=done, total=max(total, 1), amount=amount)


@contextmanager
def stages() -> Iterator[Stages]:
    """To stderr. Off a terminal nothing is shown."""
    console = err()
    if not console.is_terminal:
        yield Stages(None, None)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", style="dim"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Stages(progress, progress.add_task("Checking", total=1, amount=""))


def size(count: int) -> str:
    """Of bytes: `812 B`, `3.4 KiB`, `1.2 MiB`."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MiB"
