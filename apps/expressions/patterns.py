"""Regular expressions by RE2, which takes time in proportion to the text, whatever the pattern."""

from functools import lru_cache
from typing import Any

from apps.expressions.cost import Frame
from apps.expressions.errors import ExpressionError
from apps.expressions.suggestions import printable

MAX_LENGTH = 1_000
MAX_MEMORY = 1 << 20
"""Of one compiled pattern, in bytes; bounds its size too."""

_COMPILING, _SEARCHING = 2_000, 50
_STEPS_PER_UNIT = 16
"""Of a pattern that RE2 must simulate: characters times the size of its program. Others are far quicker, but which
they are shows only while they run."""


def compile_pattern(pattern: str) -> Any:
    """RE2's matcher of bytes. Raises ExpressionError for a pattern that RE2 does not take."""
    if len(pattern) > MAX_LENGTH:
        raise ExpressionError(f"a pattern has at most {MAX_LENGTH} characters")
    compiled = _compile(pattern)
    if isinstance(compiled, str):
        raise ExpressionError(f"not a regular expression: {compiled}")
    return compiled


@lru_cache(maxsize=128)
def _compile(pattern: str) -> Any:
    """The matcher, or RE2's complaint: kept too, as it takes as long to come by."""
    # Loaded by the first pattern: most processes never see one.
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_MEMORY
    try:
        return re2.compile(pattern.encode(), options)
    except UnicodeEncodeError:
        return "broken Unicode"
    except re2.error as error:
        complaint = error.args[0]
        return printable((complaint.decode(errors="replace") if isinstance(complaint, bytes) else str(complaint))[:200])


def search(frame: Frame, text: str, pattern: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    frame.charge(_SEARCHING + len(pattern) // 16)
    misses = _compile.cache_info().misses
    try:
        matcher = compile_pattern(pattern)
    finally:
        if _compile.cache_info().misses != misses:
            frame.charge(_COMPILING)
    frame.charge(len(text) * matcher.programsize // _STEPS_PER_UNIT)
    return matcher.search(text.encode(errors="replace")) is not None
