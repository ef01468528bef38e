"""What a container writes: the engine's frames, taken apart and kept as far as the limits allow."""

import struct
from typing import Any, NamedTuple

from drivers.contract import MIB, Limits
from drivers.docker_streams import Stream
from drivers.stdout import lines_of, split_output
from drivers.step_log import StepLog

_HEADER = struct.Struct(">BxxxL")
_STDOUT = 1
_TAIL_BYTES = 4 * 1024
_ENTRY_BYTES = 28
"""Of a log's file, for each piece of a stream beside its bytes, at least: two lengths, the stream's name, a time."""

_LOG_FILES = 8
"""The more, the less of a log goes at once, and the surer its size tells that some has gone."""


def kept_log(limits: Limits) -> dict[str, Any]:
    """The engine's ``LogConfig``: what it keeps for whoever comes after this worker."""
    # `local` and not `json-file`, which breaks characters that lie across its 16 KiB pieces. Beyond this the oldest
    # goes: a step that floods its standard error must not fill the disk.
    size = _log_file_bytes(limits)
    return {"Type": "local", "Config": {"max-size": str(size), "max-file": str(_LOG_FILES), "compress": "false"}}


def _log_file_bytes(limits: Limits) -> int:
    # Short lines take several times their length.
    return (16 * (limits.output_bytes + limits.log_bytes) + 2 * MIB) // _LOG_FILES


class Written(NamedTuple):
    output: bytes
    """For ``answers.completed``."""
    log: str


class Output:
    """Collects both streams. ``stdout`` is whole, unless ``overflown``; of standard error only what a log may hold, and
    its end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = limits.output_bytes + limits.log_bytes
        self._buffer = bytearray()
        self._stdout = bytearray()
        self._stderr_tail = bytearray()
        self._lines: list[tuple[bool, bytes]] = []
        self._out_lines = _Lines(limits.log_bytes)
        self._err_lines = _Lines(limits.log_bytes)
        self._stderr_size = self._pieces = 0
        self.overflown = False
        self.is_cut = False
        """Whether it comes from a log whose beginning has gone."""

    @property
    def size(self) -> int:
        """Bytes of standard output, so far."""
        return len(self._stdout)

    @property
    def size_of_stderr(self) -> int:
        """Bytes of standard error, so far, kept or not."""
        return self._stderr_size

    def ends_with(self, last: "Output") -> bool:
        """Whether that is the end of this: no more was written, then."""
        is_longer = last.size_of_stderr > self.size_of_stderr
        return not is_longer and self._stdout.endswith(last._stdout) and self._stderr_tail.endswith(last._stderr_tail)

    def read_from(self, stream: Stream) -> None:
        """Until it ends, is severed, or the step has written more than it may. Raises EngineAway."""
        while not self.overflown and (data := stream.read()):
            self.take(data)

    def read_log(self, stream: Stream) -> None:
        """Like ``read_from``, of a log: what the engine keeps of what was written."""
        self.read_from(stream)
        # Once the oldest file has gone the others are full, but for the last; pieces are not parted, hence the second.
        full = (_LOG_FILES - 2) * _log_file_bytes(self._limits)
        self.is_cut = len(self._stdout) + self._stderr_size + self._pieces * _ENTRY_BYTES >= full

    def take(self, data: bytes) -> None:
        """Some bytes of the engine's stream, cut anywhere."""
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer, at)
            if len(self._buffer) - at < _HEADER.size + length:
                break
            at += _HEADER.size
            self._write(kind == _STDOUT, bytes(self._buffer[at : at + length]))
            at += length
        del self._buffer[:at]

    def written(self) -> Written:
        """What the step gave back and what is log, both streams' lines in the order in which they came."""
        out_lines, output = split_output(bytes(self._stdout))
        ends = [(True, line) for line in self._out_lines.rest()] + [(False, line) for line in self._err_lines.rest()]
        log = StepLog(self._limits.log_bytes)
        out_left = len(out_lines)
        for is_stdout, line in self._lines + ends:
            if is_stdout:
                out_left -= 1
            if not is_stdout or out_left >= 0:
                log.add(line.decode(errors="replace").removesuffix("\r"))
        return Written(output, log.text())

    def last_words(self, most: int = 20) -> list[str]:
        """The last whole lines of standard error that are not blank, the last one last."""
        lines = lines_of(bytes(self._stderr_tail))
        if self._stderr_size >= _TAIL_BYTES:  # the rest of a line may be that of a secret, which nobody would know
            del lines[:1]
        return [line for line in lines if line.strip()][-most:]

    def _write(self, is_stdout: bool, data: bytes) -> None:
        self._pieces += 1
        if is_stdout:
            self._stdout += data
            self.overflown = self.overflown or len(self._stdout) > self._most
        else:
            self._stderr_size += len(data)
            self._stderr_tail += data
            del self._stderr_tail[:-_TAIL_BYTES]
        lines = self._out_lines if is_stdout else self._err_lines
        self._lines += [(is_stdout, line) for line in lines.add(data)]


class _Lines:
    """Splits a stream into lines, until there are more bytes of them than a log has room for."""

    def __init__(self, room: int) -> None:
        self._left = room + 1  # one more than the log holds, so that the log knows that it is cut
        self._begun = b""

    def add(self, data: bytes) -> list[bytes]:
        if self._left <= 0:
            return []
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun[: self._left + 1]
        kept = []
        for line in lines:
            if self._left <= 0:
                break
            kept.append(line[: self._left + 1])
            self._left -= len(line) + 1
        return kept

    def rest(self) -> list[bytes]:
        return [self._begun] if self._begun and self._left > 0 else []
