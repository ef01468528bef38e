"""The line of the text at which a JSON path is. Asked only once there are faults, so that reading costs nothing more.

A member of an object is where its name is: there a person looks for it, also when its value begins a line below.
What is not there (a missing field) is where that is which should hold it.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import yaml
from yaml.events import MappingEndEvent, MappingStartEvent, NodeEvent, SequenceEndEvent, SequenceStartEvent

from apps.datastore.definition.faults import at
from apps.datastore.definition.yaml_document import LOADER

_LAST_PART = re.compile(r'(?:\.[^.\[\]"]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])$')
_TOKEN = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*"|[^\s\[\]{}",:]+|\n')
_OPENING, _CLOSING = ("{", "["), ("}", "]")


class _Token(NamedTuple):
    kind: str
    """One of { } [ ], or "" for anything else."""
    text: str
    """For a name: which one. Decoded only where it is one that matters."""
    line: int


def lines_in_json(text: str, paths: Collection[str]) -> dict[str, int]:
    """The lines of these paths, from 1. The text is JSON: it has been read before."""
    return _lines(_json_tokens(text.removeprefix("\ufeff")), paths)


def lines_in_yaml(text: str, paths: Collection[str]) -> dict[str, int]:
    """The same of YAML, which has been read before, too."""
    return _lines(_yaml_tokens(yaml.parse(text, Loader=LOADER)), paths)


def _json_tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token.isspace():
            line += 1
        elif token in _OPENING or token in _CLOSING:
            yield _Token(token, "", line)
        else:
            # Names are the only strings that are asked for, and decoding costs: plain ones need none.
            yield _Token("", json.loads(token) if token[0] == '"' and "\\" in token else token.strip('"'), line)


def _yaml_tokens(events: Iterable[Any]) -> Iterator[_Token]:
    for event in events:
        line = event.start_mark.line + 1
        match event:
            case MappingStartEvent():
                yield _Token("{", "", line)
            case SequenceStartEvent():
                yield _Token("[", "", line)
            case MappingEndEvent():
                yield _Token("}", "", line)
            case SequenceEndEvent():
                yield _Token("]", "", line)
            case NodeEvent():
                yield _Token("", getattr(event, "value", ""), line)


class _Open:
    """An object or an array whose end has not come. `path` is None where nothing that is asked for lies inside."""

    def __init__(self, kind: str, path: str | None) -> None:
        self.is_object = kind == "{"
        self.path = path
        self.index = 0
        self.name: str | None = None


def _lines(tokens: Iterable[_Token], paths: Collection[str]) -> dict[str, int]:
    asked = {above for path in paths for above in _upwards(path)}
    lines: dict[str, int] = {}
    stack: list[_Open] = []
    for kind, text, line in tokens:
        if kind in _CLOSING:
            stack.pop()
            continue
        inner = stack[-1] if stack else None
        if inner is not None and inner.is_object and inner.name is None:
            inner.name = text
            if inner.path is not None:
                lines[at(inner.path, text)] = line  # of a name that is there twice: the second
            continue
        path = _next_path(inner)
        if path is None or path not in asked:
            path = None
        elif inner is None or not inner.is_object:
            lines[path] = line
        if kind in _OPENING:
            stack.append(_Open(kind, path))
    found = ((path, next((lines[above] for above in _upwards(path) if above in lines), None)) for path in paths)
    return {path: line for path, line in found if line is not None}


def _next_path(inner: _Open | None) -> str | None:
    """The path of the value that comes next in it; it is taken as come."""
    if inner is None:
        return "$"
    name, inner.name = inner.name, None
    inner.index += 1
    if inner.path is None:
        return None
    return at(inner.path, inner.index - 1 if name is None else name)


def _upwards(path: str) -> Iterator[str]:
    """The path, that of what holds it, and so on to `$`."""
    while path:
        yield path
        shorter = _LAST_PART.sub("", path)
        path = "" if shorter == path else shorter
