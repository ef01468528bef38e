"""The faults of an archive's entries, and which of them count: not those that lie outside of all functions."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from apps.datastore.definition.faults import Fault, FaultLog, shown
from apps.datastore.definition.folder import DEFINITIONS

_DRIVE = re.compile(r"[A-Za-z]:")
_MAX_PATH = 1_025
_MAX_DEPTH = 33
"""Both above what a folder of a function may have."""


class _Refused(NamedTuple):
    path: str
    problem: str
    anywhere: bool


class ArchiveFaults:
    """All are kept until the last entry has been read, since only then it is known which of them count."""

    def __init__(self) -> None:
        self._refused: list[_Refused] = []

    def add(self, path: str, problem: str, *, anywhere: bool = False) -> None:
        """`anywhere`: it counts wherever the entry lies, as do faults of a definition and paths that lead elsewhere."""
        anywhere = anywhere or leads_elsewhere(path) or path.rpartition("/")[2] in DEFINITIONS
        self._refused.append(_Refused(path[:_MAX_PATH], problem, anywhere))

    def all(self) -> list[Fault]:
        return _logged(self._refused)

    def of_functions(self, files: Iterable[str]) -> list[Fault]:
        """Without those outside of all functions, if there are functions among `files`."""
        parts = (folded(path).rpartition("/") for path in files)
        folders = {folder for folder, _, name in parts if name in DEFINITIONS}
        if not folders:
            return self.all()
        above = {beginning for folder in folders for beginning in _beginnings(folder)}
        return _logged(one for one in self._refused if one.anywhere or _touches(one.path, folders, above))


def folded(path: str) -> str:
    """As macOS and Windows compare it."""
    return unicodedata.normalize("NFC", path).casefold()


def leads_elsewhere(path: str) -> bool:
    """Whether it is absolute, or has parts that are no names."""
    names = path.replace("\\", "/").split("/")
    return bool(_DRIVE.match(path)) or not {"", ".", ".."}.isdisjoint(names)


def readable(path: str) -> str:
    """An entry's path as a message has it."""
    return path if path.isprintable() and len(path) <= 200 else shown(path)


def _touches(path: str, folders: set[str], above: set[str]) -> bool:
    """Whether it lies in one of the folders, or in the place of one or of what it is in."""
    compared = folded(path.replace("\\", "/"))
    return "" in folders or compared in above or any(beginning in folders for beginning in _beginnings(compared))


def _beginnings(path: str) -> Iterator[str]:
    """`a`, `a/b` and `a/b/c` of `a/b/c`."""
    return accumulate(path.split("/")[:_MAX_DEPTH], "{}/{}".format)


def _logged(refused: Iterable[_Refused]) -> list[Fault]:
    log = FaultLog()
    for one in refused:
        log.add("", one.problem, readable(one.path))
    return log.faults
