"""A function's files checked as a whole: its definition, and the scripts and modules that its steps run."""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from apps.datastore.definition.documents import JSON, YAML, locate, read_document
from apps.datastore.definition.entrypoints import entrypoints
from apps.datastore.definition.faults import Fault, FaultLog, InvalidDefinition, shown
from apps.datastore.definition.folder import (
    DEFAULT_LIMITS,
    DEFINITIONS,
    FolderLimits,
    is_ignored,
    name_problem,
    too_large,
)
from apps.datastore.definition.parsing import parse
from apps.datastore.definition.types import FunctionDefinition


class Checked(NamedTuple):
    """A function that is right."""

    definition: FunctionDefinition
    files: dict[str, bytes]
    """By path; without the definition's own file, and without what is no part of a function."""


class OutOfTime(Exception):
    """The deadline passed before all was checked: it is not known whether the function is right."""


def check_files(
    files: Mapping[str, bytes], limits: FolderLimits = DEFAULT_LIMITS, deadline: float = math.inf
) -> Checked:
    """Check the files of a function's folder, the definition among them.

    Raises InvalidDefinition with every fault, each with its file, and its line where it has one. `deadline`, by the
    monotonic clock, is of all that its caller checks, and OutOfTime is raised when it passes; nothing else, whatever is
    in the files.
    """
    _ask(deadline)
    kept = _within_limits(files, limits)
    filename = _definition_in(kept)
    text = _text_of(kept[filename], filename)
    document = read_document(text, filename)
    names = [name for name in kept if name not in DEFINITIONS]
    try:
        return _check(document, {name: kept[name] for name in names}, deadline)
    except InvalidDefinition as invalid:
        raise InvalidDefinition(locate(invalid.faults, text, filename)) from None


def check_document(
    document: object, files: Mapping[str, bytes], limits: FolderLimits = DEFAULT_LIMITS, deadline: float = math.inf
) -> Checked:
    """The same for a definition that came as JSON values, without a file: its own faults have no file and no line."""
    _ask(deadline)
    kept = _within_limits(files, limits)
    log = FaultLog()
    for name in DEFINITIONS:
        if name in kept:
            log.add("", "is not a file of the function here: its definition was given by itself", name)
    if log.faults:
        raise InvalidDefinition(log.faults)
    return _check(document, kept, deadline)


def placed(faults: Sequence[Fault], files: Mapping[str, bytes]) -> list[Fault]:
    """Faults of a definition that was right in itself (its id is taken), with its file and lines. `files` hold it."""
    filename = _definition_in(files)
    return locate(faults, _text_of(files[filename], filename), filename)


def _ask(deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise OutOfTime


def _check(document: object, files: dict[str, bytes], deadline: float) -> Checked:
    faults: list[Fault] = []
    definition: FunctionDefinition | None = None
    try:
        definition = parse(document, files)
    except InvalidDefinition as invalid:
        faults += invalid.faults
    # Loads WebAssembly's engine, which most processes that import this package never need.
    from drivers.script_check import check_scripts
    from drivers.script_compiling import TooLong

    try:
        # Also of a definition that is wrong: all faults are told at once.
        begins = entrypoints(document, files)
        found = check_scripts(files, list(begins.scripts), deadline=deadline)
    except TooLong:
        raise OutOfTime from None
    faults += [Fault("", fault.message, fault.path, fault.line) for fault in found]
    faults += _module_faults(begins.modules, files, deadline)
    if faults or definition is None:
        raise InvalidDefinition(faults)
    return Checked(definition, files)


def _module_faults(modules: Sequence[str], files: Mapping[str, bytes], deadline: float) -> list[Fault]:
    if not modules:
        return []
    from drivers.wasm_check import problems_of

    faults: list[Fault] = []
    for path in modules:
        _ask(deadline)
        faults += [Fault("", problem, path) for problem in problems_of(files[path])]
    return faults


def _within_limits(files: Mapping[str, bytes], limits: FolderLimits) -> dict[str, bytes]:
    """What of the files is part of the function, in the order of their names."""
    log, total = FaultLog(), 0
    kept: dict[str, bytes] = {}
    for name in sorted(files):
        parts = name.split("/")
        problem = name_problem(name)
        if not problem and any(part in ("", ".", "..") for part in parts):
            problem = "is not the path of a file in the function's folder"
        if problem:
            log.add("", problem, name if name.isprintable() else shown(name))
        elif not any(map(is_ignored, parts)):
            kept[name] = files[name]
            total += len(files[name])
            if len(kept) > limits.files or total > limits.total_bytes:
                problem = f"is one file too many; the limit is {limits.files}" if len(kept) > limits.files else ""
                log.add("", problem or too_large(limits), name)
                break
    if log.faults:
        raise InvalidDefinition(log.faults)
    return kept


def _definition_in(files: Collection[str]) -> str:
    names = [name for name in DEFINITIONS if name in files]
    if not names:
        raise InvalidDefinition([Fault("", f"there is no {JSON} or {YAML}")])
    if JSON in names and YAML in names:
        raise InvalidDefinition([Fault("", f"the folder has both {JSON} and {YAML}; remove one", YAML)])
    # With a JSON made from it beside it, inngest.cue is only the source of that.
    return names[0]


def _text_of(content: bytes, filename: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise InvalidDefinition([Fault("", "is not text (UTF-8)", filename, line)]) from None
