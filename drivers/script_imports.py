"""What a script imports when it runs on (`import("./x")`), and where in its source an import is written.

Words that look so may stand in a string, a comment, a template, a regular expression. Whether they do, a parser says:
a character that no code may have, put in before them, is an error in code and none anywhere else.
"""

import heapq
import json
import re
from collections.abc import Callable, Iterator

MAX_IMPORTS = 1_000
"""Of one file; more are not looked at."""
MAX_WORDS = 50_000
"""`import` and `from` in one file; more are not looked at."""
_LOOK = 2_000
"""Characters from such a word on. A pattern holds up every thread of the process while it is tried."""
_ASK_EVERY = 500

# Possessive throughout: what does not match is found not to in one pass.
_GAP = r"(?:\s++|/\*(?:[^*]++|\*(?!/))*+\*/|//[^\n]*+\n)*+"
_TEXT = r"""(?P<text>"(?:[^"\\\n]|\\.){1,1000}+"|'(?:[^'\\\n]|\\.){1,1000}+'|`[^`\\$]{1,1000}+`)"""
_DYNAMIC = re.compile(rf"import{_GAP}\({_GAP}{_TEXT}{_GAP}[,)]")
_STATIC = re.compile(rf"(?:import|from){_GAP}{_TEXT}")
_PART_OF_NAME = re.compile(r"[\w$.]")

Refuses = Callable[[str], bool]
"""Whether a source, right but for what was put in, does not parse."""
Ask = Callable[[], None]
"""Raises if the time is over."""


def dynamic_imports(javascript: str, ask: Ask) -> tuple[str, ...]:
    """The specifiers of what looks like `import()` of a literal, each once."""
    found = dict.fromkeys(specifier for _, specifier in _imports(javascript, True, ask))
    return tuple(found)


def imports_when_run(javascript: str, specifier: str, refuses: Refuses, ask: Ask) -> bool:
    """Whether the JavaScript, which parses, has such an `import()` in its code."""
    return any(_is_code(javascript, at, refuses) for at, text in _imports(javascript, True, ask) if text == specifier)


def line_of_import(source: str, specifier: str, refuses: Refuses, dynamic: bool, ask: Ask) -> int | None:
    """The line, from 1, of the first import of this in a source that parses; None if it is written in another way."""
    for at, text in _imports(source, dynamic, ask):
        if text == specifier and _is_code(source, at, refuses):
            return source.count("\n", 0, at) + 1
    return None


def _imports(source: str, dynamic: bool, ask: Ask) -> Iterator[tuple[int, str]]:
    """Where what looks like an import is, and what it imports."""
    shape = _DYNAMIC if dynamic else _STATIC
    count = 0
    for number, at in enumerate(_words(source, ("import",) if dynamic else ("import", "from"))):
        if number == MAX_WORDS:
            return
        if number % _ASK_EVERY == 0:
            ask()
        found = shape.match(source, at, at + _LOOK)
        if found is None:
            continue
        count += 1
        if count > MAX_IMPORTS:
            return
        text = found["text"]
        try:
            specifier = json.loads(f'"{text[1:-1]}"') if text[0] != '"' else json.loads(text)
        except ValueError:  # an escape that JSON does not have
            continue
        yield at, specifier


def _words(source: str, words: tuple[str, ...]) -> Iterator[int]:
    """Where any of them is, in order, but not `a.import(...)`, which is a method; `...import(...)` is none."""
    for at in heapq.merge(*(_places(source, word) for word in words)):
        before = source[max(0, at - 3) : at]
        if before == "..." or not _PART_OF_NAME.match(before[-1:]):
            yield at


def _places(source: str, word: str) -> Iterator[int]:
    at = source.find(word)
    while at >= 0:
        yield at
        at = source.find(word, at + len(word))


def _is_code(source: str, at: int, refuses: Refuses) -> bool:
    return refuses(f"{source[:at]}\x01{source[at:]}")
