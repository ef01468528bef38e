"""The "did you mean" of a fault."""

from collections.abc import Collection
from difflib import get_close_matches

# difflib takes quadratic time, and nobody mistypes a longer name than this.
MAX_LENGTH = 100
SHOWN = 40


def did_you_mean(written: str, known: Collection[str]) -> str:
    """` (did you mean "x"?)`, or nothing when no known name is near."""
    if len(written) > MAX_LENGTH:
        return ""
    by_letters = {_letters(name): name for name in known}
    near = get_close_matches(_letters(written), by_letters, n=1, cutoff=0.7)
    return f' (did you mean "{by_letters[near[0]]}"?)' if near else ""


def shown(written: str) -> str:
    """In quotes, printable, and not too long."""
    return f'"{printable(written[:SHOWN])}{"…" if len(written) > SHOWN else ""}"'


def printable(text: str) -> str:
    """On one line, for a message."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(text.split()))


def _letters(name: str) -> str:
    return name.lower().replace("_", "")
