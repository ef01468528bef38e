"""Reading zip archives, strictly: by the directory at their end, with each entry's own header saying the same.

The standard library's `zipfile` takes in the whole directory, however large, before it can be asked anything, and cuts
names at a NUL.
"""

import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from apps.core_api.archive_contents import ArchiveLimits, BrokenData, CannotRead, Contents
from apps.core_api.unpacked_bytes import Allowance, inflated, plain

_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_UTF_8 = 1 << 11
_STORED, _DEFLATED = 0, 8
_FOLDER_OF_DOS = 0x10
_DOS, _NTFS = 0, 10
_CODE_PAGES = ("cp437", "cp850", "cp852")
_NOT_ZIP = "is not a zip archive, or is cut off, or has something else behind it"


class _Entry(NamedTuple):
    """What the directory says of an entry, and where its data are."""

    name: bytes
    flags: int
    method: int
    checksum: int
    size: int
    attributes: int
    header: int
    start: int
    end: int


def read_zip(body: bytes, limits: ArchiveLimits) -> Mapping[str, bytes]:
    """The files, by path. Raises InvalidDefinition with every fault."""
    contents, allowance = Contents(limits), Allowance(limits.unpacked_bytes)
    try:
        entries: list[tuple[_Entry, str]] = []
        for entry in _directory(body):
            path = contents.next_entry(entry.name, is_folder=entry.name.endswith(b"/"))
            if path is not None:
                entries.append((entry, path))
        _refuse_overlaps([entry for entry, _ in entries])
        for entry, path in entries:
            _add(contents, body, entry, path, allowance)
    except CannotRead as cannot_read:
        return contents.end(cannot_read, only_functions=True)
    return contents.end(only_functions=True)


def _directory(body: bytes) -> Iterator[_Entry]:
    size, position, count = _end_record(body)
    end = position + size
    for _ in range(count):
        if position + _ENTRY.size > end:
            raise CannotRead("is broken: its directory is shorter than it says")
        fields = _ENTRY.unpack_from(body, position)
        signature, made_by, _, flags, method, _, _, checksum, packed, unpacked = fields[:10]
        name_size, extra_size, comment_size, _, _, attributes, header = fields[10:]
        if signature != b"PK\1\2":
            raise CannotRead("is broken: there is no entry of its directory where one should be")
        name = body[position + _ENTRY.size : position + _ENTRY.size + name_size]
        position += _ENTRY.size + name_size + extra_size + comment_size
        start = _data_start(body, header, name)
        if made_by >> 8 in (_DOS, _NTFS):
            name = _name_from_windows(name, flags)
        yield _Entry(name, flags, method, checksum, unpacked, attributes, header, start, start + packed)
    if position != end:
        raise CannotRead("is broken: its directory has not the length that it says")


def _name_from_windows(name: bytes, flags: int) -> bytes:
    """As others write it: PowerShell 5.1 divides folders by backslashes, and Explorer may write in a DOS code page."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        read = {name.decode(page) for page in _CODE_PAGES}
        if flags & _UTF_8 or len(read) > 1:
            # The format means the first of the pages, and Windows the one of the country.
            return name
        (text,) = read
    return (text if "/" in text else text.replace("\\", "/")).encode()


def _end_record(body: bytes) -> tuple[int, int, int]:
    """The directory's size, its position, and the number of its entries."""
    # Behind it is only a comment, of at most 65,535 bytes.
    at = body.rfind(b"PK\5\6", max(0, len(body) - _END.size - 0xFFFF))
    if at < 0 or at + _END.size > len(body):
        raise CannotRead(_NOT_ZIP)
    _, disk, disk_of_directory, count_here, count, size, position, comment = _END.unpack_from(body, at)
    if at + _END.size + comment != len(body):
        raise CannotRead(_NOT_ZIP)
    if 0xFFFF in (count, count_here) or 0xFFFFFFFF in (size, position):
        raise CannotRead("is a zip64 archive, which is not read: it is not needed for one that may be deployed")
    if disk or disk_of_directory or count != count_here:
        raise CannotRead("is a part of a zip archive only")
    if position + size != at:
        raise CannotRead("is broken: its directory is not where it says")
    return size, position, count


def _data_start(body: bytes, header: int, name: bytes) -> int:
    """Where an entry's data begin, behind the header that it has of its own."""
    if header + _LOCAL.size > len(body):
        raise CannotRead("is broken: an entry begins behind its end")
    fields = _LOCAL.unpack_from(body, header)
    start = header + _LOCAL.size
    if fields[0] != b"PK\3\4" or body[start : start + fields[-2]] != name:
        raise CannotRead("is broken: an entry is not what the directory says it is")
    return start + int(fields[-2]) + int(fields[-1])


def _refuse_overlaps(entries: list[_Entry]) -> None:
    """Entries that share their data would make gigabytes of little."""
    reached = 0
    for entry in sorted(entries, key=lambda entry: entry.header):
        if entry.header < reached:
            raise CannotRead("has entries that lie over each other")
        reached = entry.end


def _add(contents: Contents, body: bytes, entry: _Entry, path: str, allowance: Allowance) -> None:
    kind = stat.S_IFMT(entry.attributes >> 16)
    if entry.flags & _ENCRYPTED:
        contents.refuse(path, "is encrypted")
    elif kind == stat.S_IFLNK:
        contents.refuse(path, "is a symbolic link; only plain files and folders are deployed")
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        contents.refuse(path, "is not a file; only plain files and folders are deployed")
    elif entry.name.endswith(b"/"):
        contents.add_folder(path)
    elif kind == stat.S_IFDIR or entry.attributes & _FOLDER_OF_DOS:
        contents.refuse(path, "is a folder by its attributes, and a file by its name")
    elif entry.method not in (_STORED, _DEFLATED):
        contents.refuse(path, f"is compressed by a method that is not read ({entry.method}); use deflate")
    else:
        contents.reached = path
        try:
            content = _content(body, entry, allowance)
        except BrokenData as broken:
            contents.refuse(path, str(broken), anywhere=True)
            return
        if len(content) != entry.size or zlib.crc32(content) != entry.checksum:
            problem = "is broken: its content has not the size or the checksum that it should have"
            contents.refuse(path, problem, anywhere=True)
        else:
            contents.add_file(path, content)


def _content(body: bytes, entry: _Entry, allowance: Allowance) -> bytes:
    if entry.end > len(body):
        raise BrokenData("is cut off: its data go on behind the end of the archive")
    stored = plain(body[entry.start : entry.end])
    pieces = []
    for piece in stored if entry.method == _STORED else inflated(body, entry.start, entry.end):
        allowance.take(len(piece))
        pieces.append(piece)
    return b"".join(pieces)
