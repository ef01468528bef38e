"""A JSON reader that does not recurse, for text that nests deeper than the quick ones go."""

import re
from collections.abc import Callable
from json import decoder
from typing import Any, NoReturn

_TOKEN = re.compile(
    r'[ \t\n\r]*(?:([\[\]{},:])|(")|(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)|(true|false|null))'
)
_read_string: Callable[[str, int], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
_WORDS = {"true": True, "false": False, "null": None}


def read_deep_json(text: str, read_whole: Callable[[str], float]) -> Any:
    """Raises ValueError for what is not JSON."""
    document: list[Any] = []
    reader = _Reader(document)
    position = 0
    while match := _TOKEN.match(text, position):
        position = match.end()
        sign, quote, number, fraction, exponent, word = match.groups()
        if sign:
            reader.take_sign(sign)
        elif quote:
            value, position = _read_string(text, position)
            reader.take_value(value)
        elif number:
            reader.take_value(float(number) if fraction or exponent else read_whole(number))
        else:
            reader.take_value(_WORDS[word])
    if text[position:].strip(" \t\n\r") or not document or reader.open:
        _refuse()
    return document[0]


class _Reader:
    """`state` is what may come next: a `value`, a `key`, a `:`, or a `,`; `first` if the container may also end."""

    def __init__(self, document: list[Any]) -> None:
        self.document = document
        self.open: list[Any] = []
        self.keys: list[str] = []
        self.state, self.first = "value", False

    def take_value(self, value: Any) -> None:
        if self.state == "key" and isinstance(value, str):
            self.keys.append(value)
            self.state, self.first = ":", False
            return
        if self.state != "value":
            _refuse()
        self.put(value)
        self.state, self.first = ",", False

    def put(self, value: Any) -> None:
        if not self.open:
            if self.document:
                _refuse()
            self.document.append(value)
        elif isinstance(self.open[-1], list):
            self.open[-1].append(value)
        else:
            self.open[-1][self.keys.pop()] = value

    def take_sign(self, sign: str) -> None:
        match sign:
            case "[" | "{" if self.state == "value":
                container: Any = [] if sign == "[" else {}
                self.put(container)
                self.open.append(container)
                self.state, self.first = ("value" if sign == "[" else "key"), True
            case "]" | "}" if self.open and isinstance(self.open[-1], list if sign == "]" else dict):
                if not (self.first or self.state == ","):
                    _refuse()
                self.open.pop()
                self.state, self.first = ",", False
            case "," if self.open and self.state == ",":
                self.state, self.first = ("value" if isinstance(self.open[-1], list) else "key"), False
            case ":" if self.state == ":":
                self.state = "value"
            case _:
                _refuse()


def _refuse() -> NoReturn:
    raise ValueError("the text is not JSON")
