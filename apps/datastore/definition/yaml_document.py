"""YAML as notation for JSON, and no more of it than that.

The values are built from the parser's events by YAML 1.2's core rules, not by PyYAML's loader: there `on`
is true, `1:30` is 90 and a date is an object. Anchors are refused (a few lines of them can mean
gigabytes), and so are tags. It also lets us say where a field is written twice.
"""

import re
from collections.abc import Iterable
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from apps.datastore.definition.faults import Fault, FaultLog, InvalidDefinition, at

MAX_DEPTH = 100
MAX_VALUES = 50_000
"""Of a document: half a megabyte may hold five times as many, and takes seconds then."""
TOO_MANY = f"has more than {MAX_VALUES} values"

# libyaml's parser is some ten times faster; wheels have it, odd platforms may not.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read_yaml(text: str, filename: str) -> object:
    try:
        return _build(yaml.parse(text, Loader=LOADER), filename)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = f"column {mark.column + 1}: " if mark else ""
        problem = " ".join(filter(None, (fault.context, fault.problem)))
        # Cron expressions begin so; YAML takes it for an alias.
        hint = ' (text beginning with "*" or "&" needs quotes)' if re.search("alias|anchor", problem) else ""
        line = mark.line + 1 if mark else None
        raise InvalidDefinition([Fault("", f"{place}{problem}{hint}", filename, line)]) from None
    except (yaml.YAMLError, UnicodeError):
        raise InvalidDefinition([Fault("", "has characters that YAML does not allow", filename)]) from None


class _Open:
    """An object or an array whose end has not come yet."""

    def __init__(self, path: str, value: dict[str, object] | list[object]) -> None:
        self.path = path
        self.value = value
        self.key: str | None = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.value, dict) and self.key is None

    def next_path(self) -> str:
        return at(self.path, len(self.value) if self.key is None else self.key)

    def put(self, value: object) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.key is not None:
            self.value[self.key] = value
            self.key = None


def _build(events: Iterable[Event], filename: str) -> object:
    log = FaultLog()
    documents: list[object] = []
    stack = [_Open("", documents)]
    values = 0
    for event in events:
        _refuse_extras(event, filename, len(stack))
        inner = stack[-1]
        if inner.wants_key and not isinstance(event, MappingEndEvent):
            _take_key(inner, event, filename, log)
            continue
        values += isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent)
        if values > MAX_VALUES:
            _refuse(event, filename, TOO_MANY)
        if isinstance(event, ScalarEvent):
            inner.put(_scalar(event))
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            path = inner.next_path() if len(stack) > 1 else "$"
            stack.append(_Open(path, {} if isinstance(event, MappingStartEvent) else []))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            closed = stack.pop()
            stack[-1].put(closed.value)
        elif isinstance(event, DocumentStartEvent) and documents:
            _refuse(event, filename, "a definition is one YAML document")
    if log.faults:
        raise InvalidDefinition(log.faults)
    return documents[0] if documents else None


def _take_key(inner: _Open, event: Event, filename: str, log: FaultLog) -> None:
    if not isinstance(event, ScalarEvent):
        _refuse(event, filename, "a field's name must be text (values that begin with { or [ need quotes)")
    inner.key = event.value
    if event.value in inner.value:
        log.add(inner.next_path(), "is there twice")


def _scalar(event: ScalarEvent) -> object:
    text: str = event.value
    # implicit[0]: written plainly, without quotes.
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _refuse_extras(event: Event, filename: str, depth: int) -> None:
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
        _refuse(event, filename, 'anchors and aliases are not supported (text beginning with "*" or "&" needs quotes)')
    if getattr(event, "tag", None) is not None:
        _refuse(event, filename, "tags are not supported")
    if depth > MAX_DEPTH:
        _refuse(event, filename, "nested too deeply")


def _refuse(event: Event, filename: str, problem: str) -> NoReturn:
    # mypy's stubs allow for events made by hand, which have no mark; the parser's have.
    mark: Any = event.start_mark
    raise InvalidDefinition([Fault("", f"column {mark.column + 1}: {problem}", filename, mark.line + 1)])
