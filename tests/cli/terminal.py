"""The command `inngest` as people and scripts meet it: in a pseudo-terminal, and with pipes."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pexpect
import pyte

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-m", "apps.cli.main"]
SECONDS = 30.0
_ROWS = 200


class Said(NamedTuple):
    """What it came to without a terminal."""

    out: str
    err: str
    code: int


def environment(folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """As a person's, with nothing that names a server but `variables`; logins are kept below `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INNGEST_", "DJANGO_"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "DATABASE_URL", "BROKER_URL", "CI"):
        kept.pop(name, None)
    own = {
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "INNGEST_CONFIG_DIR": str(folder / "config"),
    }
    return {**kept, **own, **(variables or {})}


def run(
    arguments: Sequence[str],
    env: Mapping[str, str],
    stdin: str | bytes = b"",
    cwd: Path | None = None,
    seconds: float = SECONDS,
    *,
    command: Sequence[str] = COMMAND,
) -> Said:
    """Runs it with pipes."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*command, *arguments], env=dict(env), input=given, capture_output=True, cwd=cwd, timeout=seconds, check=False
    )
    return Said(done.stdout.decode(), done.stderr.decode(), done.returncode)


class Terminal:
    """It runs in a terminal of `columns`; whoever reads sees the screen, and can type."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], columns: int = 80) -> None:
        self.raw = b""
        self._screen: Any = pyte.Screen(columns, _ROWS)
        self._stream: Any = pyte.ByteStream(self._screen)
        self.process: Any = pexpect.spawn(
            COMMAND[0], [*COMMAND[1:], *arguments], env=dict(env), dimensions=(_ROWS, columns), timeout=SECONDS
        )
        self.process.delaybeforesend = None

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without what is blank at the end."""
        shown = [line.rstrip() for line in self._screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def colour_of(self, word: str) -> str:
        """The colour of the first place where the word stands."""
        for number, line in enumerate(self._screen.display):
            if word in line:
                return str(self._screen.buffer[number][line.index(word)].fg)
        raise AssertionError(f"{word!r} is not on the screen:\n{self.text}")

    def wait_for(self, text: str) -> None:
        """Until the text is printed."""
        self.process.expect_exact(text.encode())
        self._feed(self.process.before + self.process.after)

    def type(self, text: str) -> None:
        self.process.sendline(text)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.sendintr()

    def end(self) -> int:
        """Reads to the end. The exit code; 128 and the signal's number, if one ended it."""
        self.process.expect(pexpect.EOF)
        self._feed(self.process.before)
        self.process.wait()
        killed = self.process.signalstatus
        return int(self.process.exitstatus if killed is None else 128 + killed)

    def _feed(self, read: bytes) -> None:
        self.raw += read
        self._stream.feed(read)


def on_screen(arguments: Sequence[str], env: Mapping[str, str], columns: int = 80) -> Terminal:
    """Runs it in a terminal to its end, which must be a good one."""
    terminal = Terminal(arguments, env, columns)
    code = terminal.end()
    assert code == 0, terminal.text
    return terminal
