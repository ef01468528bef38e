"""Reading tar archives, strictly: what is not understood is refused, and nothing of a header is believed unread.

The standard library's `tarfile` takes a broken header for the end of the archive, and reads extended headers whole.
"""

import tarfile
from collections.abc import Iterator, Mapping

from apps.core_api.archive_contents import ArchiveLimits, CannotRead, Contents
from apps.core_api.tar_headers import Header, read_header
from apps.core_api.unpacked_bytes import Allowance, Stream

MAX_HEADER_BYTES = 64 * 1024
"""Of one extended header, or of one long name."""
MAX_RECORDS = 200_000
"""In all extended headers together: about ten are usual for an entry."""
MAX_EXTRA_HEADERS = 1_000
"""Extended headers and labels, and four more for each entry: one or two are usual."""

_BLOCK = tarfile.BLOCKSIZE
_END = b"\0" * _BLOCK
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LABEL = b"V"
_ONLY = "only plain files and folders are deployed"
_REFUSED = {
    tarfile.LNKTYPE: "is a hard link to another file; make the archive with --hard-dereference",
    tarfile.SYMTYPE: f"is a symbolic link; {_ONLY}",
    tarfile.CHRTYPE: f"is a device; {_ONLY}",
    tarfile.BLKTYPE: f"is a device; {_ONLY}",
    tarfile.FIFOTYPE: f"is a pipe; {_ONLY}",
}
_SPARSE = "has a sparse file, which is not read; make the archive without --sparse"


def read_tar(pieces: Iterator[bytes], limits: ArchiveLimits) -> Mapping[str, bytes]:
    """The files, by path. Raises InvalidDefinition with every fault."""
    contents = Contents(limits)
    try:
        _Tar(Stream(pieces, Allowance(limits.unpacked_bytes)), contents).read()
    except CannotRead as cannot_read:
        return contents.end(cannot_read, only_functions=True)
    return contents.end(only_functions=True)


class _Tar:
    def __init__(self, stream: Stream, contents: Contents) -> None:
        self._stream, self._contents = stream, contents
        # What extended headers say of the next entry.
        self._name: bytes | None = None
        self._size: int | None = None
        self._records = self._members = self._extras = 0

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
        info = read_header(header)
        if info is None:
            raise CannotRead("is not a tar archive, or is broken: there is no header where one should be")
        if info.size < 0:
            raise CannotRead("has an entry of a size below 0")
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            text = self._extended(info.size).rstrip(b"\0")
            if info.type == tarfile.GNUTYPE_LONGNAME:
                self._name = text
        elif info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE):
            self._read_pax(self._extended(info.size), for_all=info.type == tarfile.XGLTYPE)
        elif info.type == _LABEL:
            self._count_extra()
            self._skip(info.size)
        else:
            self._members += 1
            self._read_member(info)

    def _count_extra(self) -> None:
        self._extras += 1
        if self._extras > MAX_EXTRA_HEADERS + 4 * self._members:
            raise CannotRead(f"has {self._extras} extended headers and labels for {self._members} entries")

    def _extended(self, size: int) -> bytes:
        self._count_extra()
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
            raise CannotRead(_SPARSE)
        if key == b"path":
            self._name = value
        elif key == b"size":
            if not value.isdigit() or len(value) > 20:
                raise CannotRead("has an extended header that is broken")
            self._size = int(value)

    def _read_member(self, info: Header) -> None:
        size = info.size if self._size is None else self._size
        info = info if self._name is None else info._replace(name=self._name)
        self._name = self._size = None
        path = self._contents.next_entry(info.name, is_folder=info.is_folder)
        if info.is_folder:
            if path is not None:
                self._contents.add_folder(path)
        elif info.type in _FILES:
            if path is None:
                self._skip(size)
            else:
                self._contents.add_file(path, self._data(size))
        elif info.type in _REFUSED:
            if path is not None:
                self._contents.refuse(path, _REFUSED[info.type])
        elif info.type == tarfile.GNUTYPE_SPARSE:
            raise CannotRead(_SPARSE)
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
