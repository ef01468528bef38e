"""The functions of a folder, read, checked and packed into one archive: what a deploy sends."""

import gzip
import os
import tarfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from apps.cli.problems import Problem
from apps.cli.progress import size
from apps.cli.step_images import StepImage, step_images
from apps.datastore.definition.checking import Checked, check_files
from apps.datastore.definition.documents import locate
from apps.datastore.definition.faults import Fault, InvalidDefinition, shown
from apps.datastore.definition.folder import DEFINITIONS, FolderLimits, find_functions, read_files

LARGEST = 5
MAX_ARCHIVE = 512 * 1024 * 1024
"""Bytes, packed: what this machine has room for."""
LIMITS = FolderLimits(files=100_000, total_bytes=512 * 1024 * 1024)
"""As above: how much a function may be is for the server to say, whose settings are not known here."""


class PackedFile(NamedTuple):
    path: str
    """Seen from the folder that is deployed."""
    size: int
    """Bytes, before compression."""


class Packed(NamedTuple):
    functions: int
    files: int
    largest: list[PackedFile]
    """The largest files, largest first: what to look at if the archive is too large."""
    images: list[StepImage]
    """Of docker steps, from the very files that are packed. They, alone, stay in memory."""


class _Read(NamedTuple):
    files: Mapping[str, bytes]
    """With the definition."""
    checked: Checked | None
    """None if something is wrong."""
    faults: list[Fault]


StandIns = Mapping[str, Mapping[str, bytes]]
"""By the function's folder seen from the root, and by path: what its files hold, or will, whatever they hold now."""


def pack(root: Path, archive: BinaryIO, on_function: Callable[[int, int], None]) -> Packed:
    """Write all functions below `root` to the archive, a tar.gz; `on_function` gets how many of how many are done.

    The same content always makes the same bytes: sorted, without times, owners and modes. One function is held in
    memory at a time, besides what images are built from. Raises InvalidDefinition with the faults of all functions,
    each with the function's folder seen from `root`; then the archive is not to be used. Raises Problem if it becomes
    larger than any server takes.
    """
    folders = find_functions(root)
    faults: list[Fault] = []
    taken: dict[str, str] = {}
    sizes: list[PackedFile] = []
    images: list[StepImage] = []
    count = 0
    with (
        closing(gzip.GzipFile("", "wb", fileobj=archive, mtime=0)) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for number, folder in enumerate(folders):
            on_function(number, len(folders))
            name = folder.relative_to(root).as_posix()
            files, checked, found = _read(folder, name, taken)
            faults += found
            if faults or checked is None:
                continue  # the others' faults are still wanted, their files are not
            count += len(files)
            images += step_images(checked)
            sizes = _largest([*sizes, *_add(tar, "" if name == "." else f"{name}/", files)])
            if archive.tell() > MAX_ARCHIVE:
                listed = "\n".join(["the largest files are", *largest_lines(sizes)])
                raise Problem(f"the functions are more than {size(MAX_ARCHIVE)}, packed", listed)
    on_function(len(folders), len(folders))
    if faults:
        raise InvalidDefinition(faults)
    return Packed(len(folders), count, sizes, images)


def check(root: Path, on_function: Callable[[int, int], None], stand_ins: StandIns) -> None:
    """What `pack` checks, before all files are there. Raises InvalidDefinition as it does."""
    folders = find_functions(root)
    faults: list[Fault] = []
    taken: dict[str, str] = {}
    for number, folder in enumerate(folders):
        on_function(number, len(folders))
        name = folder.relative_to(root).as_posix()
        faults += _read(folder, name, taken, stand_ins.get(name, {})).faults
    if faults:
        raise InvalidDefinition(faults)


def largest_lines(files: Iterable[PackedFile]) -> list[str]:
    return [f"  {size(file.size):>10}  {file.path}" for file in files]


_NOTHING: Mapping[str, bytes] = {}


def _read(folder: Path, name: str, taken: dict[str, str], stand_ins: Mapping[str, bytes] = _NOTHING) -> _Read:
    """A function, and what is wrong with it; `taken` is which folder, as seen from here, has which id."""
    if not name.isprintable():
        return _Read({}, None, [Fault(shown(name), "has a name with control characters or broken Unicode")])
    try:
        files = {**read_files(folder, LIMITS), **stand_ins}
        checked = check_files(files, LIMITS)
    except InvalidDefinition as invalid:
        return _Read({}, None, [msgspec.structs.replace(fault, function=name) for fault in invalid.faults])
    slug = checked.definition.id
    if slug in taken:
        return _Read({}, None, [_twice(slug, taken[slug], name, files)])
    taken[slug] = os.path.relpath(folder)
    return _Read(files, checked, [])


def _twice(slug: str, other: str, name: str, files: Mapping[str, bytes]) -> Fault:
    definition = next(file for file in DEFINITIONS if file in files)
    fault = Fault("$.id", f"{shown(slug)} is also the id of {other}", function=name)
    return locate([fault], files[definition].decode("utf-8-sig"), definition)[0]


def _add(tar: tarfile.TarFile, prefix: str, files: Mapping[str, bytes]) -> list[PackedFile]:
    for path in sorted(files):
        member = tarfile.TarInfo(prefix + path)
        member.size = len(files[path])
        member.mode = 0o644
        tar.addfile(member, BytesIO(files[path]))
    return [PackedFile(prefix + path, len(content)) for path, content in files.items()]


def _largest(files: list[PackedFile]) -> list[PackedFile]:
    return sorted(files, key=lambda file: (-file.size, file.path))[:LARGEST]
