"""What is wrong with a definition: every fault, each with the place that it is at."""

import json
import re

import msgspec

MAX_FAULTS = 100
_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*", re.ASCII)


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    path: str
    """A JSON path in the document, `$.steps.thank.runtime`; "" for a fault of a file as a whole."""
    message: str
    file: str = ""
    """Seen from the function's folder: `inngest.json`, `steps/a/index.ts`."""
    line: int | None = None
    """In the file, from 1."""
    function: str = ""
    """Which function, where there are several: its folder, seen from what was deployed, or its id."""

    def __str__(self) -> str:
        """One line, which begins as editors and terminals know places: `inngest.json:14: $.steps.x: message`."""
        file = "/".join(filter(None, (self.function, self.file)))
        place = f"{file}:{self.line}" if file and self.line is not None else file
        return ": ".join(filter(None, (place, self.path, self.message)))


class InvalidDefinition(Exception):
    """Raised once for a definition, with all its faults in the order of the document."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class FaultLog:
    """Collects faults while a document is checked. Bounded: a hostile document has as many as it likes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._more = 0

    def add(self, path: str, message: str, file: str = "", line: int | None = None) -> None:
        if self.full:
            self._more += 1
        else:
            self._faults.append(Fault(path, message, file, line))

    @property
    def full(self) -> bool:
        return len(self._faults) >= MAX_FAULTS

    @property
    def count(self) -> int:
        return len(self._faults) + self._more

    @property
    def faults(self) -> list[Fault]:
        more = [Fault("$", f"and {self._more} more faults")] if self._more else []
        return self._faults + more


def at(path: str, key: str | int) -> str:
    """The JSON path of a member: `$.a`, `$[0]`, or `$["odd key"]` (escaped and cut, since keys are anyone's text)."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if len(key) <= 100 and _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}"
    return f"{path}[{shown(key)}]"


def shown(text: str) -> str:
    """Someone's text, quoted and cut, safe to put in a message, a log line or a JSON answer."""
    return json.dumps(text if len(text) <= 100 else text[:100] + "…")
