"""The "did you mean" of a fault."""

from collections.abc import Collection
from difflib import get_close_matches

from apps.datastore.definition.faults import shown

# difflib takes quadratic time, and nobody mistypes a longer name than this.
MAX_LENGTH = 100
MAX_CHOICES = 1_000


def did_you_mean(written: str, known: Collection[str]) -> str:
    """` (did you mean "x"?)`, or nothing when no known name is near."""
    if len(written) > MAX_LENGTH or len(known) > MAX_CHOICES:
        return ""
    by_letters = {_letters(name): name for name in known}
    near = get_close_matches(_letters(written), by_letters, n=1, cutoff=0.7)
    return f" (did you mean {shown(by_letters[near[0]])}?)" if near else ""


def _letters(name: str) -> str:
    # `rate_limit`, `ratelimit` and `rateLimit` are the same slip.
    return name.lower().replace("_", "").replace("-", "")
