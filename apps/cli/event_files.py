"""Events from the command line and from files, in batches that the server takes."""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from apps.cli.json_text import decode, deep
from apps.cli.printing import one_line
from apps.cli.problems import Problem

BATCH_EVENTS = 1_000
BATCH_BYTES = 4 * 1024 * 1024
_LONGEST_LINE = 64 * 1024 * 1024
STDIN = "-"
_OFFSET = re.compile(r" ?\(byte (\d+)\)$")


class Batch(NamedTuple):
    first: int
    """The number of its first event among all, from 1."""
    size: int
    body: bytes
    """A JSON array, of the events as they were written."""


def in_batches(events: Iterable[bytes]) -> Iterator[Batch]:
    """Groups JSON texts: no batch is larger than what a server takes, unless a single event is."""
    held: list[bytes] = []
    first, size = 1, 0
    for event in events:
        if held and (len(held) >= BATCH_EVENTS or size + len(event) > BATCH_BYTES):
            yield Batch(first, len(held), b"[" + b",".join(held) + b"]")
            first, held, size = first + len(held), [], 0
        held.append(event)
        size += len(event) + 1
    if held:
        yield Batch(first, len(held), b"[" + b",".join(held) + b"]")


def json_object(text: str, option: str) -> bytes:
    """An option's JSON object: itself, `@file`, or `-` for stdin. Raises Problem."""
    if text.startswith("@") or text == STDIN:
        with _opened(STDIN if text == STDIN else text[1:]) as file:
            content = file.read()
    else:
        content = text.encode(errors="surrogateescape")
    try:
        value = decode(content)
    except ValueError as error:
        raise Problem(
            f"{option} is no JSON: {one_line(str(error), 200)}", f"""for example {option} '{{"id": 42}}'"""
        ) from None
    if not isinstance(value, dict):
        raise Problem(f"{option} must be a JSON object", f"""for example {option} '{{"id": 42}}'""")
    return content.strip()


class Placed(NamedTuple):
    place: str
    """The file's name, and the event's line or its number in an array."""
    text: bytes


def read_events(name: str) -> Iterator[bytes]:
    """The events of a file, or of stdin: one JSON object, an array of them, or one on each line. Raises Problem."""
    return (event.text for event in placed_events(name))


def placed_events(name: str) -> Iterator[Placed]:
    """The same, with where each of them is."""
    with _opened(name) as file:
        beginning = _first_line(file)
        if beginning.lstrip().startswith(b"["):
            yield from _array(beginning + file.read(), name)
        elif _is_json(beginning):
            yield from _lines(beginning, file, name)
        else:
            # An object that is written over several lines.
            yield _checked(beginning + file.read(), name, "")


def _first_line(file: BinaryIO) -> bytes:
    """The first line that has something on it, without a byte order mark."""
    for line in file:
        if line.strip():
            return line.removeprefix(b"\xef\xbb\xbf")
    return b""


def _is_json(line: bytes) -> bool:
    try:
        decode(line)
    except ValueError:
        return False
    return True


def _array(content: bytes, name: str) -> Iterator[Placed]:
    try:
        with deep():
            events = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, ValueError) as error:
        raise Problem(f"{shown(name)} is no JSON: {_fault(content, str(error))}") from None
    for number, event in enumerate(events, 1):
        yield _checked(bytes(event), name, f", event {number}")


def _fault(content: bytes, complaint: str) -> str:
    """The parser's complaint, with the line. Of half a surrogate pair it says that the end is missing, or worse."""
    from apps.event_api.structure import unpaired_surrogate

    offset = unpaired_surrogate(content)
    if offset is not None:
        complaint = f"unpaired surrogate escape {content[offset : offset + 6].decode(errors='replace')}"
    elif match := _OFFSET.search(complaint):
        offset, complaint = int(match[1]), complaint[: match.start()]
    elif "truncated" in complaint:
        offset, complaint = len(content.rstrip()), "it ends too soon"
    if offset is None:
        return one_line(complaint, 200)
    line = content.count(b"\n", 0, offset) + 1
    return f"{one_line(complaint, 200)} (line {line})"


def _lines(beginning: bytes, file: BinaryIO, name: str) -> Iterator[Placed]:
    number = 1
    if beginning:
        yield _checked(beginning, name, ", line 1")
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if line.strip():
            yield _checked(line, name, f", line {number}")


def _checked(content: bytes, name: str, place: str) -> Placed:
    """Only what would make the batch as a whole unreadable; all else is the server's to judge."""
    place = shown(name) + place
    try:
        value = decode(content)
    except ValueError as error:
        raise Problem(f"{place} is no JSON: {one_line(str(error), 200)}") from None
    if not isinstance(value, dict):
        raise Problem(f"{place} is no event: an event is a JSON object")
    return Placed(place, content.strip())


def shown(name: str) -> str:
    """The file, as messages call it."""
    return "stdin" if name == STDIN else one_line(name)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except OSError as error:
        raise Problem(f"{one_line(name)} cannot be read: {error.strerror}") from None
