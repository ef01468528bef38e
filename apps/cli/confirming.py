"""Asking before something that is felt at once."""

import sys

import typer

from apps.cli.printing import err, note, one_line
from apps.cli.problems import Problem


def confirm(question: str, yes: bool) -> None:
    """Goes on if the person agrees, or has agreed with `--yes`. Raises Problem where nobody can be asked."""
    if yes:
        return
    if not (sys.stdin.isatty() and err().is_terminal):
        raise Problem("there is nobody to ask whether to go on: this is not a terminal", "--yes goes on without asking")
    try:
        agreed = typer.confirm(one_line(question), err=True)
    except typer.Abort:  # Ctrl-C, or the end of what is typed
        err().print()
        raise KeyboardInterrupt from None
    if not agreed:
        note("nothing was changed")
        raise typer.Exit(1)
