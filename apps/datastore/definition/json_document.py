"""JSON, strictly: no field twice, no NaN, every syntax error with its place."""

import json
from collections import Counter

from apps.datastore.definition.faults import Fault, FaultLog, InvalidDefinition, at


def read_json(text: str, filename: str) -> object:
    repeats: list[tuple[dict[str, object], str]] = []

    def to_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeats.extend((found, key) for key, count in counts.items() if count > 1)
        return found

    def refuse_constant(word: str) -> object:
        raise ValueError(f"{word} is not JSON")

    try:
        document: object = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=to_object, parse_constant=refuse_constant
        )
    except json.JSONDecodeError as fault:
        problem = f"column {fault.colno}: {fault.msg}"
        raise InvalidDefinition([Fault("", problem, filename, fault.lineno)]) from None
    except RecursionError:
        raise InvalidDefinition([Fault("", "is nested too deeply", filename)]) from None
    except ValueError as fault:  # NaN, or an integer of more digits than Python converts
        raise InvalidDefinition([Fault("", str(fault), filename)]) from None
    if repeats:
        log = FaultLog()
        paths = _paths(document)
        for found, key in repeats:
            # An object without a path was itself the value of a repeated field, and that is in the log.
            if id(found) in paths:
                log.add(at(paths[id(found)], key), "is there twice")
        raise InvalidDefinition(log.faults)
    return document


def _paths(document: object) -> dict[int, str]:
    """The path of each object, by its id()."""
    paths: dict[int, str] = {}
    todo = [("$", document)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            paths[id(value)] = path
            todo.extend((at(path, key), entry) for key, entry in value.items())
        elif isinstance(value, list):
            todo.extend((at(path, index), entry) for index, entry in enumerate(value))
    return paths
