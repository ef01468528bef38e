"""What an archive holds, gathered entry by entry: only plain files under plain paths, and not too much of them.

The archive comes from somewhere else, and what it holds goes to other machines, so a path has to mean the same file on
each of them: no entry leads out of the folder, and no two are one file where case or the form of accents do not count
(macOS, Windows).
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from apps.datastore.definition.faults import FaultLog, InvalidDefinition, shown
from apps.datastore.definition.folder import is_ignored

MAX_PATH_BYTES = 1_024
MAX_DEPTH = 32

_DRIVE = re.compile(r"[A-Za-z]:")
_ROOT = 0


class ArchiveLimits(NamedTuple):
    """How much an archive may hold."""

    unpacked_bytes: int
    """Of all that is decompressed, headers included."""
    entries: int


class CannotRead(Exception):
    """The archive cannot be read any further; the text says why, as in "is cut off"."""


class BrokenData(CannotRead):
    """Compressed data are not what they should be."""


class _Known(NamedTuple):
    spelling: str
    folder: int | None
    """A number for it; None of a file."""


class Contents:
    """Files by path, and every fault of the entries that were refused."""

    def __init__(self, limits: ArchiveLimits, of: str = "the archive") -> None:
        self._limits, self._of = limits, of
        self.reached = ""
        """The entry that is now read."""
        self._entries = 0
        self._files: dict[str, bytes] = {}
        # By the folder's number and the name as macOS and Windows compare it; whole paths would be many times as large.
        self._known: dict[tuple[int, str], _Known] = {}
        self._log = FaultLog()

    def next_entry(self, raw: bytes) -> str | None:
        """The path of an entry that is now read; None if it is ignored or refused. Raises CannotRead."""
        self._entries += 1
        if self._entries > self._limits.entries:
            raise CannotRead(f"has more than {self._limits.entries} entries (DEPLOY_MAX_FILES)")
        try:
            path = raw.decode()
        except UnicodeDecodeError:
            self.refuse(raw.decode("latin-1"), "has a name that is not UTF-8")
            return None
        # As `tar -c .` writes it.
        path = path.removesuffix("/") if path in ("./", ".") else path.removeprefix("./").removesuffix("/")
        problem = path_problem(path) if path != "." else None
        if problem:
            self.refuse(path, problem)
            return None
        self.reached = path
        return None if path == "." or any(map(is_ignored, path.split("/"))) else path

    def refuse(self, path: str, problem: str) -> None:
        self.reached = path if path.isprintable() and len(path) <= 200 else shown(path)
        self._log.add("", problem, self.reached)

    def add_folder(self, path: str) -> None:
        self._place(path, is_file=False)

    def add_file(self, path: str, content: bytes) -> None:
        if self._place(path, is_file=True):
            self._files[path] = content

    def end(self, cannot_read: CannotRead | None = None) -> Mapping[str, bytes]:
        """All files, by path. Raises InvalidDefinition with all faults."""
        if cannot_read is not None:
            place = f" (at {self.reached})" if self.reached else ""
            self._log.add("", f"{self._of} {cannot_read}{place}")
        if self._log.faults:
            raise InvalidDefinition(self._log.faults)
        return self._files

    def _place(self, path: str, *, is_file: bool) -> bool:
        """Whether there is room for it at its place."""
        folder, names = _ROOT, path.split("/")
        for depth, name in enumerate(names, start=1):
            wants_file = is_file and depth == len(names)
            key = folder, unicodedata.normalize("NFC", name).casefold()
            there = self._known.get(key)
            if there is None:
                there = self._known[key] = _Known(name, None if wants_file else len(self._known) + 1)
            elif there.spelling != name:
                self.refuse(path, f"is also there as {shown(there.spelling)}; on many machines the two names are one")
                return False
            elif (there.folder is None) != wants_file:
                self.refuse(path, f"would need {shown(name)} to be a file and a folder")
                return False
            elif wants_file:
                self.refuse(path, "is there twice")
                return False
            folder = there.folder or _ROOT
        return True


def path_problem(path: str) -> str | None:
    """What is wrong with the path of a file that is deployed; None if nothing is."""
    if len(path.encode(errors="surrogatepass")) > MAX_PATH_BYTES:
        return f"has a path longer than {MAX_PATH_BYTES} bytes"
    if not path.isprintable():
        return "has a name with control characters or broken Unicode"
    if "\\" in path:
        return "has a backslash in its name; folders are divided by /"
    if path.startswith("/") or _DRIVE.match(path):
        return "is an absolute path"
    names = path.split("/")
    if ".." in names:
        return "leads out of the folder (..)"
    if "" in names or "." in names:
        return "is not a plain path: it has an empty name or `.` in it"
    if len(names) > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} folders deep"
    return None
