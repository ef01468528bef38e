"""The bytes of an archive as they are decompressed: counted, and never more of them than there may be."""

import zlib
from collections.abc import Callable, Iterator

from apps.core_api.archive_contents import BrokenData, CannotRead

_PIECE = 64 * 1024
_MAX_MEMBERS = 10_000
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"
_RAW = -zlib.MAX_WBITS


class Allowance:
    """How many bytes may still be unpacked. Headers are not asked: only what comes out is counted."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise CannotRead(f"is larger than {self._most} bytes when it is unpacked (DEPLOY_MAX_UNPACKED_BYTES)")


class Stream:
    """Reads exact amounts of what comes in pieces."""

    def __init__(self, pieces: Iterator[bytes], allowance: Allowance) -> None:
        self._pieces, self._allowance = pieces, allowance
        self._piece, self._position = b"", 0

    def read(self, size: int) -> bytes:
        """Fewer bytes only at the end."""
        parts: list[bytes] = []
        self._pass(size, parts.append)
        return b"".join(parts)

    def skip(self, size: int) -> bool:
        """False if it ends before."""
        return self._pass(size, len)

    def _pass(self, size: int, use: Callable[[bytes], object]) -> bool:
        while size > 0:
            if self._position == len(self._piece):
                self._piece, self._position = next(self._pieces, b""), 0
                if not self._piece:
                    return False
                self._allowance.take(len(self._piece))
            part = self._piece[self._position : self._position + size]
            self._position += len(part)
            size -= len(part)
            use(part)
        return True


def plain(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


def gunzipped(body: bytes) -> Iterator[bytes]:
    """What gzip made this of, in pieces; it may have been made in several goes. Raises BrokenData."""
    end = 0
    for _ in range(_MAX_MEMBERS):
        member = _Inflating(body, end, len(body), _GZIP)
        yield from member.pieces()
        if not member.is_whole:
            raise BrokenData("is cut off: its gzip data do not end")
        end = member.end
        if not body.startswith(_GZIP_MAGIC, end):
            break
    # Zeros may follow, as on a tape.
    if body.count(b"\0", end) < len(body) - end:
        raise BrokenData("has something else behind its gzip data")


def inflated(body: bytes, start: int, end: int) -> Iterator[bytes]:
    """The content of a zip entry, in pieces. Raises BrokenData unless its compressed data end exactly there."""
    entry = _Inflating(body, start, end, _RAW)
    yield from entry.pieces()
    if not entry.is_whole or entry.end != end:
        raise BrokenData("has compressed data that do not end where they should")


class _Inflating:
    """Compressed data in a part of `body`."""

    def __init__(self, body: bytes, start: int, end: int, form: int) -> None:
        self.end = start
        """Up to where they go, as far as that is known."""
        self.is_whole = False
        self._body, self._limit, self._form = body, end, form

    def pieces(self) -> Iterator[bytes]:
        zlib_object = zlib.decompressobj(self._form)
        try:
            while not zlib_object.eof:
                # A piece at a time: what is left over of the input is copied each time.
                data = zlib_object.unconsumed_tail
                if not data:
                    data = self._body[self.end : min(self.end + _PIECE, self._limit)]
                    self.end += len(data)
                piece = zlib_object.decompress(data, _PIECE)
                if piece:
                    yield piece
                elif not data and not zlib_object.eof:
                    return
        except zlib.error as error:
            raise BrokenData(f"has compressed data that are broken ({error})") from None
        self.end -= len(zlib_object.unused_data)
        self.is_whole = True
