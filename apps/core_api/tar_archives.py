"""Reading tar archives, strictly: what is not understood is refused, and nothing of a header is believed unread.

The standard library's `tarfile` takes a broken header for the end of the archive, and reads extended headers whole.
"""

import tarfile
from collections.abc import Iterator, Mapping

from apps.core_api.archive_contents import ArchiveLimits, CannotRead, Contents
from apps.core_api.unpacked_bytes import Allowance, Stream

MAX_HEADER_BYTES = 64 * 1024
"""Of one extended header, or of one long name."""
MAX_RECORDS = 200_000
"""In all extended headers together: about ten are usual for an entry."""

_BLOCK = tarfile.BLOCKSIZE
_END = b"\0" * _BLOCK
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_REFUSED = {
    tarfile.LNKTYPE: "is a hard link",
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
}


def read_tar(pieces: Iterator[bytes], limits: ArchiveLimits) -> Mapping[str, bytes]:
    """The files, by path. Raises InvalidDefinition with every fault."""
    contents = Contents(limits)
    try:
        _Tar(Stream(pieces, Allowance(limits.unpacked_bytes)), contents).read()
    except CannotRead as cannot_read:
        return contents.end(cannot_read)
    return contents.end()


class _Tar:
    def __init__(self, stream: Stream, contents: Contents) -> None:
        self._stream, self._contents = stream, contents
        # What extended headers say of the next entry.
        self._name: bytes | None = None
        self._size: int | None = None
        self._records = 0

    def read(self) -> None:
        while (header := self._stream.read(_BLOCK)) != _END:
            if len(header) < _BLOCK:
                raise CannotRead("is cut off: it has no end mark")
            self._read_entry(header)
        if self._name is not None or self._size is not None:
            raise CannotRead("ends with a header that no entry follows")
        # A second empty block, and zeros up to the size of a tape's record.
        while rest := self._stream.read(_BLOCK):
            if rest.strip(b"\0"):
                raise CannotRead("has something else behind its end mark")

    def _read_entry(self, header: bytes) -> None:
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            raise CannotRead("is not a tar archive, or is broken: there is no header where one should be") from None
        if info.size < 0:
            raise CannotRead("has an entry of a size below 0")
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            text = self._extended(info.size).rstrip(b"\0")
            if info.type == tarfile.GNUTYPE_LONGNAME:
                self._name = text
        elif info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE):
            self._read_pax(self._extended(info.size), for_all=info.type == tarfile.XGLTYPE)
        else:
            self._read_member(info)

    def _extended(self, size: int) -> bytes:
        if size > MAX_HEADER_BYTES:
            raise CannotRead(f"has an extended header of more than {MAX_HEADER_BYTES} bytes")
        return self._data(size)

    def _read_pax(self, data: bytes, *, for_all: bool) -> None:
        position = 0
        while position < len(data):
            # `<length of all this> <key>=<value>\n`
            digits, space, _ = data[position : position + 10].partition(b" ")
            end = position + int(digits) if space and digits.isdigit() else 0
            key, equals, value = data[position + len(digits) + 1 : end].partition(b"=")
            self._records += 1
            if not equals or not value.endswith(b"\n") or end > len(data) or self._records > MAX_RECORDS:
                raise CannotRead("has an extended header that is broken, or too many of them")
            if key in (b"path", b"size") and for_all:
                raise CannotRead("has a header that gives all entries one name or size")
            self._note(key, value[:-1])
            position = end

    def _note(self, key: bytes, value: bytes) -> None:
        if key.startswith(b"GNU.sparse."):
            raise CannotRead("has a sparse file, which is not read; make the archive without --sparse")
        if key == b"path":
            self._name = value
        elif key == b"size":
            if not value.isdigit() or len(value) > 20:
                raise CannotRead("has an extended header that is broken")
            self._size = int(value)

    def _read_member(self, info: tarfile.TarInfo) -> None:
        size = info.size if self._size is None else self._size
        raw = info.name.encode("utf-8", "surrogateescape") if self._name is None else self._name
        self._name = self._size = None
        path = self._contents.next_entry(raw)
        if info.type in _FILES and not raw.endswith(b"/"):
            if path is None:
                self._skip(size)
            else:
                self._contents.add_file(path, self._data(size))
        elif info.isdir() or info.type in _FILES:
            if path is not None:
                self._contents.add_folder(path)
        elif info.type in _REFUSED:
            if path is not None:
                self._contents.refuse(path, f"{_REFUSED[info.type]}; only plain files and folders are deployed")
        else:
            raise CannotRead(f"has an entry of a kind that is not read ({info.type!r})")

    def _data(self, size: int) -> bytes:
        """An entry's, which fills whole blocks."""
        data = self._stream.read(size)
        if len(data) < size or not self._stream.skip(-size % _BLOCK):
            raise CannotRead("is cut off in the middle of an entry")
        return data

    def _skip(self, size: int) -> None:
        if not self._stream.skip(size + -size % _BLOCK):
            raise CannotRead("is cut off in the middle of an entry")
