"""What an archive holds, gathered entry by entry: only plain files under plain paths, and not too much of them.

The archive comes from somewhere else, and what it holds goes to other machines, so a path has to mean the same file on
each of them: no entry leads out of the folder, no two are one file where case or the form of accents do not count
(macOS, Windows), and no name is one that Windows reads as another, or as a device.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from apps.core_api.archive_faults import ArchiveFaults, folded, readable
from apps.datastore.definition.faults import Fault, InvalidDefinition, shown
from apps.datastore.definition.folder import is_ignored

MAX_PATH_BYTES = 1_024
MAX_DEPTH = 32
MAX_IGNORED = 20
"""Ignored entries for each that there may be otherwise: they are installed packages by the thousand."""

_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\xb9\xb2\xb3]) *(?:\.|$)", re.IGNORECASE)
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
        self._entries = self._ignored = 0
        self._files: dict[str, bytes] = {}
        # By the folder's number and the name as macOS and Windows compare it; whole paths would be many times as large.
        self._known: dict[tuple[int, str], _Known] = {}
        self._faults = ArchiveFaults()

    def next_entry(self, raw: bytes, *, is_folder: bool) -> str | None:
        """The path of an entry that is now read; None if it is ignored or refused. Raises CannotRead."""
        path = raw.decode(errors="replace")
        # As `tar -c .` writes it.
        path = path.removesuffix("/") if path in ("./", ".") else path.removeprefix("./").removesuffix("/")
        self.reached = readable(path)
        if any(map(_is_ignored, path.split("/"))):
            # Before all else: it may have any name.
            self._ignored = self._counted(self._ignored, MAX_IGNORED, "ignored entries, as of node_modules")
            return None
        self._entries = self._counted(self._entries, 1, "entries")
        is_root = is_folder and path == "."
        problem = None if is_root else path_problem(path) or _problem_on_windows(path)
        if not _is_text(raw):
            problem = "has a name that is not UTF-8; rename it, or pack it as UTF-8, as the tar of Windows does"
        if problem:
            self.refuse(path, problem)
        return None if problem or is_root else path

    def refuse(self, path: str, problem: str, *, anywhere: bool = False) -> None:
        """`anywhere`: it counts wherever the entry lies."""
        self.reached = readable(path)
        self._faults.add(path, problem, anywhere=anywhere)

    def add_folder(self, path: str) -> None:
        self._place(path, is_file=False)

    def add_file(self, path: str, content: bytes) -> None:
        if self._place(path, is_file=True):
            self._files[path] = content

    def end(self, cannot_read: CannotRead | None = None, *, only_functions: bool = False) -> Mapping[str, bytes]:
        """All files, by path. Raises InvalidDefinition with all faults.

        `only_functions`: what lies outside of all functions has no faults.
        """
        faults = self._faults.of_functions(self._files) if only_functions else self._faults.all()
        if cannot_read is not None:
            place = f" (at {self.reached})" if self.reached else ""
            faults.append(Fault("", f"{self._of} {cannot_read}{place}"))
        if faults:
            raise InvalidDefinition(faults)
        return self._files

    def _counted(self, count: int, times: int, what: str) -> int:
        """One more. Raises CannotRead."""
        most = times * self._limits.entries
        if count == most:
            setting = f"{times} times DEPLOY_MAX_FILES" if times > 1 else "DEPLOY_MAX_FILES"
            raise CannotRead(f"has more than {most} {what} ({setting})")
        return count + 1

    def _place(self, path: str, *, is_file: bool) -> bool:
        """Whether there is room for it at its place."""
        folder, names = _ROOT, path.split("/")
        for depth, name in enumerate(names, start=1):
            wants_file = is_file and depth == len(names)
            key = folder, folded(name)
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


def _is_ignored(name: str) -> bool:
    # Not `..` and what Windows would take for it: that leads elsewhere.
    return is_ignored(name) and name.partition("\\")[0] not in (".", "..")


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
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


def _problem_on_windows(path: str) -> str | None:
    for name in path.split("/"):
        if ":" in name:
            return "has a colon in its name: Windows takes what follows for a stream of the file"
        if name.endswith((".", " ")):
            return "has a name that ends in a dot or a space, which Windows leaves out"
        if _DEVICE.match(name):
            return f"has a name that is a device on Windows: {shown(name)}"
    return None
