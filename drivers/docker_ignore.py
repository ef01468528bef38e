"""Which files a `.dockerignore` leaves, as `docker build` reads it.

The SDK's matcher makes regular expressions that backtrack, in an engine that holds up every thread meanwhile: one line
of one function would stop a worker for minutes. RE2 takes time linear in the path, whatever the pattern.
"""

import itertools
import posixpath
from collections.abc import Callable, Iterator

import re2

from drivers.docker_image_fault import ImageFault
from drivers.shown_text import one_line

MOST_PATTERNS = 1_000
MOST_CHARS = 16 * 1024
"""Of all patterns together: a path is matched in milliseconds then, at worst."""
_MEMORY_BYTES = 64 * 1024 * 1024
_SHOWN_CHARS = 100


def ignoring(text: bytes) -> Callable[[str], bool]:
    """Whether a path, seen from the folder, is ignored. Raises ImageFault if the file is none that docker takes."""
    patterns = list(_patterns(text.decode(errors="replace")))
    if len(patterns) > MOST_PATTERNS or sum(len(pattern) for _, pattern in patterns) > MOST_CHARS:
        raise _bad(f"it may have {MOST_PATTERNS:,} patterns, of {MOST_CHARS:,} characters together")
    # The last pattern that matches decides. Neighbours that decide alike are looked for in one go.
    groups = [
        (is_exception, _compiled([pattern for _, pattern in group]))
        for is_exception, group in itertools.groupby(patterns, key=lambda each: each[0])
    ]
    groups.reverse()

    def is_ignored(path: str) -> bool:
        return next((not is_exception for is_exception, group in groups if group.fullmatch(path)), False)

    return is_ignored


def _patterns(text: str) -> Iterator[tuple[bool, str]]:
    """Whether it is an exception, and the pattern, cleaned."""
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        is_exception = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip()
        if not pattern:
            raise _bad("a line says what is not ignored, and names nothing")
        yield is_exception, posixpath.normpath(pattern).lstrip("/") or "/"


def _compiled(patterns: list[str]) -> "re2._Regexp[str]":
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.never_capture = True
    options.dot_nl = True
    options.log_errors = False
    alternatives = "|".join(map(_translated, patterns))
    try:
        # What lies below a folder that matches, matches.
        return re2.compile(f"(?:{alternatives})(?:/.*)?", options)
    except re2.error as error:
        raise _bad("its patterns are too large") from error


def _translated(pattern: str) -> str:
    made, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*" and pattern.startswith("*", at):
            at += 2 if pattern.startswith("/", at + 1) else 1  # `**/` is any number of folders, also none
            made += "(?:.*/)?" if at < len(pattern) else ".*"
        elif character == "*":
            made += "[^/]*"
        elif character == "?":
            made += "[^/]"
        elif character == "[":
            characters, at = _class(pattern, at)
            made += characters
        elif character == "\\" and at < len(pattern):
            made += re2.escape(pattern[at])
            at += 1
        else:
            made += re2.escape(character)
    return made


def _class(pattern: str, at: int) -> tuple[str, int]:
    """What follows a `[`, and where it ends."""
    made = "["
    if pattern.startswith("^", at):
        made, at = "[^", at + 1
    begin = at
    while at == begin or not pattern.startswith("]", at):
        low, at = _member(pattern, at)
        made += re2.escape(low)
        if pattern.startswith("-", at):
            high, at = _member(pattern, at + 1)
            if high < low:
                raise _bad_pattern(pattern)
            made += f"-{re2.escape(high)}"
    return f"{made}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern.startswith("\\", at):
        at += 1
    elif pattern.startswith(("-", "]"), at):
        raise _bad_pattern(pattern)
    if at >= len(pattern):
        raise _bad_pattern(pattern)
    return pattern[at], at + 1


def _bad_pattern(pattern: str) -> ImageFault:
    return _bad(f"{one_line(pattern, _SHOWN_CHARS)!r} is no pattern")


def _bad(why: str) -> ImageFault:
    return ImageFault("BadDockerignore", f"the step's .dockerignore cannot be read: {why}", retryable=False)
