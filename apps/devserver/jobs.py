"""What `throwaway.py` and `one_function.py`, two processes, say to each other: events there, results back, as files."""

from pathlib import Path
from typing import IO

import msgspec

from apps.event_api.limits import allow_depth
from drivers.json_text import MAX_DEPTH

EVENTS = "events.json"
RESULTS = "results.jsonl"

_EMPTY = msgspec.Raw(b"{}")


class Job(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event to run the function on."""

    name: str
    data: msgspec.Raw = _EMPTY
    user: msgspec.Raw = _EMPTY
    id: str | None = None
    ts: int | None = None
    v: str | None = None
    by_cron: bool = False
    """It stands for a tick of the function's cron."""


class Result(msgspec.Struct):
    """What became of one."""

    run: msgspec.Raw
    """As `GET /v1/runs/<id>` has it; `null` if none was started."""
    reason: str | None
    """Why none was."""


def write_result(file: IO[bytes], result: bytes) -> None:
    """Adds a line. Outputs are as steps wrote them: a line break in one is between values, where a space is as good."""
    file.write(result.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")


def read_results(file: Path) -> list[Result]:
    allow_depth(MAX_DEPTH)
    with file.open("rb") as lines:
        return [msgspec.json.decode(line, type=Result) for line in lines]


def write_whole(file: Path, content: bytes) -> None:
    """So that whoever reads it meanwhile finds all of it, or what it was before."""
    partial = file.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(file)
