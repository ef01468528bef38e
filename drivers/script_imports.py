"""What a script imports when it runs on (`import("./x")`), and where in its source an import is written.

Words that look so may stand in a string, a comment, a template, a regular expression. Whether they do, a parser says:
a character that no code may have, put in before them, is an error in code and none anywhere else.
"""

import json
import re
from collections.abc import Callable, Iterator

MAX_IMPORTS = 1_000
"""Of one file; more are not looked at."""

_GAP = r"(?:\s|/\*[^*]{0,200}\*/|//[^\n]{0,200}\n){0,20}"
_TEXT = r"""(?P<text>"(?:[^"\\\n]|\\.){1,1000}"|'(?:[^'\\\n]|\\.){1,1000}'|`[^`\\$]{1,1000}`)"""
# Not `a.import(...)`, which is a method, but `...import(...)`. Looked for backwards, as searching begins with a word.
_IMPORT = r"import(?:(?<![\w$.]import)|(?<=\.\.\.import))"
_DYNAMIC = re.compile(rf"{_IMPORT}{_GAP}\({_GAP}{_TEXT}{_GAP}[,)]")
_STATIC = re.compile(rf"(?:{_IMPORT}|from(?<![\w$.]from)){_GAP}{_TEXT}")

Refuses = Callable[[str], bool]
"""Whether a source, right but for what was put in, does not parse."""


def dynamic_imports(javascript: str) -> tuple[str, ...]:
    """The specifiers of what looks like `import()` of a literal, each once."""
    found = dict.fromkeys(specifier for _, specifier in _matches(_DYNAMIC, javascript))
    return tuple(found)


def imports_when_run(javascript: str, specifier: str, refuses: Refuses) -> bool:
    """Whether the JavaScript, which parses, has such an `import()` in its code."""
    return any(_is_code(javascript, at, refuses) for at, text in _matches(_DYNAMIC, javascript) if text == specifier)


def line_of_import(source: str, specifier: str, refuses: Refuses, dynamic: bool) -> int | None:
    """The line, from 1, of the first import of this in a source that parses; None if it is written in another way."""
    for at, text in _matches(_DYNAMIC if dynamic else _STATIC, source):
        if text == specifier and _is_code(source, at, refuses):
            return source.count("\n", 0, at) + 1
    return None


def _matches(shape: re.Pattern[str], source: str) -> Iterator[tuple[int, str]]:
    """Where the literal is, and what it says."""
    for number, found in enumerate(shape.finditer(source)):
        if number == MAX_IMPORTS:
            return
        text = found["text"]
        try:
            specifier = json.loads(f'"{text[1:-1]}"') if text[0] != '"' else json.loads(text)
        except ValueError:  # an escape that JSON does not have
            continue
        yield found.start(), specifier


def _is_code(source: str, at: int, refuses: Refuses) -> bool:
    return refuses(f"{source[:at]}\x01{source[at:]}")
