"""What `throwaway.py` and `one_function.py`, two processes, say to each other: events there, results back, as files."""

from pathlib import Path

import msgspec

EVENTS = "events.json"
RESULTS = "results.json"

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


def write_whole(file: Path, content: bytes) -> None:
    """So that whoever reads it meanwhile finds all of it, or what it was before."""
    partial = file.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(file)
