"""The DevServer's `.env` beside a function: a step's environment variables. Read again when the file changes."""

from functools import lru_cache
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values


def read_dotenv(folder: Path) -> dict[str, str]:
    """The variables of the folder's `.env`, none if there is no such file. Called for each step in dev mode."""
    path = folder / ".env"
    try:
        changed_at = path.stat().st_mtime_ns
        return _read(path, changed_at)
    except OSError:  # no such file, or none that can be read
        return {}


@lru_cache(maxsize=200)
def _read(path: Path, changed_at: int) -> dict[str, str]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    # References are left as they are, as by `inngest secrets set`: no step is to get what the worker has in its own.
    found = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in found.items()}
