"""Shapes: small descriptions of a value that are put together in tables, as in `later.py`.

A shape is called with the value, its path and the log, and logs what is wrong. It keeps nothing: values
that the server uses are built by code of their own (`steps.py`, `triggers.py`).
"""

from collections.abc import Callable, Mapping

from apps.datastore.definition import values
from apps.datastore.definition.faults import FaultLog, at

Shape = Callable[[object, str, FaultLog], object]


def record(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    fields = {**required, **(optional or {})}

    def check(value: object, path: str, log: FaultLog) -> None:
        found = values.check_object(value, path, log, fields)
        if found is None:
            return
        for name, shape in fields.items():
            if name in found:
                shape(found[name], at(path, name), log)
            elif name in required:
                log.add(at(path, name), "is missing")

    return check


def list_of(shape: Shape, low: int, high: int) -> Shape:
    def check(value: object, path: str, log: FaultLog) -> None:
        for index, entry in enumerate(values.check_list(value, path, log, low, high) or []):
            shape(entry, at(path, index), log)

    return check


def whole_number(low: int, high: int) -> Shape:
    return lambda value, path, log: values.check_whole_number(value, path, log, low, high)


def choice(*choices: str) -> Shape:
    return lambda value, path, log: values.check_choice(value, path, log, choices)


def duration_between(low: float, high: float, words: str) -> Shape:
    def check(value: object, path: str, log: FaultLog) -> None:
        seconds = values.check_duration(value, path, log)
        if seconds is not None and not low <= seconds <= high:
            log.add(path, f"must be {words}")

    return check


text: Shape = values.check_text
flag: Shape = values.check_flag
duration: Shape = values.check_duration
