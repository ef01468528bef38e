"""Events from the command line and from files, in batches that the server takes."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from apps.cli.json_text import decode
from apps.cli.printing import one_line
from apps.cli.problems import Problem

BATCH_EVENTS = 1_000
BATCH_BYTES = 4 * 1024 * 1024
_LONGEST_LINE = 64 * 1024 * 1024
STDIN = "-"


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


def read_events(name: str) -> Iterator[bytes]:
    """The events of a file, or of stdin: one JSON object, an array of them, or one on each line. Raises Problem."""
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


def _array(content: bytes, name: str) -> Iterator[bytes]:
    try:
        events = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Problem(f"{one_line(name)} is no JSON: {error}") from None
    for number, event in enumerate(events, 1):
        yield _checked(bytes(event), name, f", event {number}")


def _lines(beginning: bytes, file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 1
    if beginning:
        yield _checked(beginning, name, ", line 1")
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if line.strip():
            yield _checked(line, name, f", line {number}")


def _checked(content: bytes, name: str, place: str) -> bytes:
    """Only what would make the batch as a whole unreadable; all else is the server's to judge."""
    shown = "stdin" if name == STDIN else one_line(name)
    try:
        value = decode(content)
    except ValueError as error:
        raise Problem(f"{shown}{place} is no JSON: {one_line(str(error), 200)}") from None
    if not isinstance(value, dict):
        raise Problem(f"{shown}{place} is no event: an event is a JSON object")
    return content.strip()


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
