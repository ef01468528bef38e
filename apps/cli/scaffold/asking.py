"""Questions in the terminal, each with an answer to take as it is. Ctrl-C ends them, and nothing has been made."""

import sys
from collections.abc import Callable

import typer

from apps.cli.printing import err, one_line
from apps.cli.scaffold.answers import NotAnAnswer


def can_ask() -> bool:
    return sys.stdin.isatty() and err().is_terminal


def ask(question: str, default: str, check: Callable[[str], str]) -> str:
    """Asks until the answer is one; Enter alone is the default. Raises KeyboardInterrupt."""
    while True:
        try:
            given = typer.prompt(question, default=default, err=True)
        except typer.Abort:  # Ctrl-C, or the end of what is typed
            err().print()
            raise KeyboardInterrupt from None
        try:
            return check(given)
        except NotAnAnswer as wrong:
            err().print(f"  {one_line(str(wrong))}", style="red", soft_wrap=True)
