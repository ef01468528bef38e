"""The values for `inngest secrets set`: from the command line, a terminal without an echo, stdin, or `.env` files."""

import getpass
import re
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import msgspec
import typer

from apps.cli.printing import one_line
from apps.cli.problems import Problem

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES = 16 * 1024 * 1024
"""More is refused before it fills the memory; the server's own limits are smaller."""


class Given(NamedTuple):
    values: Mapping[str, str]
    on_command_line: bool
    """Whether a value was, where others may see it."""

    def body(self) -> bytes:
        """Of the request that sets them."""
        try:
            return msgspec.json.encode({"secrets": self.values})
        except UnicodeEncodeError:
            raise Problem("a value is not UTF-8", "encode it as text, in base64 for example") from None


def read_values(words: Sequence[str], files: Sequence[str]) -> Given:
    """What is to be set. Raises Problem, and BadParameter for words that make no sense together."""
    values: dict[str, str] = {}
    for file in files:
        values.update(_of_file(file))
    if not words:
        if not files:
            raise typer.BadParameter("Name a secret, or a --from-file with several.")
        return Given(values, on_command_line=False)
    if all("=" in word for word in words):
        # The name alone is told if it is wrong: what follows is nobody's business.
        pairs = [word.partition("=") for word in words]
        values.update({_checked(name): value for name, _, value in pairs})
        return Given(values, on_command_line=True)
    if len(words) > 2 or "=" in words[0]:
        raise typer.BadParameter("Give NAME, NAME VALUE, or any number of NAME=VALUE.")
    name = _checked(words[0])
    values[name] = words[1] if len(words) == 2 else _asked(name)
    return Given(values, on_command_line=len(words) == 2)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Problem(
            f"{one_line(name, 40)!r} cannot be the name of a secret",
            "a name has letters, digits and _, and does not begin with a digit, as in API_KEY",
        )
    return name


def _asked(name: str) -> str:
    if sys.stdin.isatty():
        # It turns the echo off before it asks: what is pasted at once is not shown either.
        value = getpass.getpass(f"Value of {name}: ")
    else:
        value = _text(sys.stdin.buffer.read(_MOST_BYTES + 1), "stdin")
        # As `echo` and editors end a text; a line break that belongs to it is written twice.
        value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise Problem(f"there is no value for {name}", f"an empty one is set with {name}=")
    return value


def _of_file(file: str) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        data = sys.stdin.buffer.read(_MOST_BYTES + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror or error}") from None
    # References are left as they are: a value is not to take in what this shell happens to hold.
    found = dotenv_values(stream=StringIO(_text(data, file)), interpolate=False)
    without = [name for name, value in found.items() if value is None]
    if without:
        raise Problem(f"{file}: {one_line(without[0], 40)} has no value", "each line is NAME=VALUE")
    if not found:
        raise Problem(f"{file} has no variable", "each line is NAME=VALUE")
    return {_checked(name): value or "" for name, value in found.items()}


def _text(data: bytes, source: str) -> str:
    if len(data) > _MOST_BYTES:
        raise Problem(f"{source} is too large for secrets")
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Problem(
            f"{source} is not UTF-8 at byte {error.start}", "encode it as text, in base64 for example"
        ) from None
