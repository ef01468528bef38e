"""What is wrong with a JSON file that a script imports, found without holding up the process's other threads."""

import json
import re
from typing import NamedTuple, NoReturn

import msgspec

MOST_PARSED = 400_000
"""Characters: longer text is not parsed into values, which may take half a second that no other thread gets."""
_BYTE = re.compile(r" \(byte (\d+)\)$")


class JsonProblem(NamedTuple):
    line: int | None
    """From 1."""
    message: str


def json_problem(source: str) -> JsonProblem | None:
    try:
        # Reads over it, without values.
        msgspec.json.decode(source, type=msgspec.Raw)
        return None
    except (msgspec.DecodeError, RecursionError) as fault:
        return _parsed(source) if len(source) <= MOST_PARSED else _of_large(source, fault)


def _parsed(source: str) -> JsonProblem | None:
    try:
        json.loads(source, parse_constant=_refuse)
    except json.JSONDecodeError as fault:
        return JsonProblem(fault.lineno, f"column {fault.colno}: {fault.msg}")
    except (RecursionError, ValueError):
        return JsonProblem(None, "is not JSON, or nested too deeply")
    return None  # half of a surrogate pair, which JavaScript takes


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _of_large(source: str, fault: Exception) -> JsonProblem | None:
    message = str(fault)
    if "surrogate" in message or ("truncated" in message and "\\ud" in source.lower()):
        return None  # perhaps half of a pair; what stands behind it, the run will tell
    place = _BYTE.search(message)
    if place is None:
        return JsonProblem(None, "is not JSON, or nested too deeply")
    line = source.encode(errors="surrogatepass").count(b"\n", 0, int(place[1])) + 1
    return JsonProblem(line, message[: place.start()])
