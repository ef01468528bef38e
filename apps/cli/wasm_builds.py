"""The modules of wasm steps that say how they are built: made on the developer's machine where they are out of date."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from apps.cli.build_commands import print_said, run_build
from apps.cli.printing import note, one_line
from apps.cli.problems import Problem
from apps.datastore.definition.documents import read_document
from apps.datastore.definition.faults import InvalidDefinition
from apps.datastore.definition.folder import DEFINITIONS, is_ignored

_OUTPUT_FOLDERS = {"target", "dist", "build", "zig-out", "zig-cache"}
"""Where compilers put what they make."""
_DOES_NOTHING = b"\0asm\1\0\0\0\1\4\1`\0\0\3\2\1\0\7\n\1\6_start\0\0\n\4\1\2\0\v"
"""(module (func (export "_start")))"""


class WasmStep(NamedTuple):
    """A step with a `build`."""

    step: str
    folder: Path
    command: str
    module: Path | None
    """None if the definition leaves it to what is in the folder."""


def stale_steps(function: Path) -> list[WasmStep]:
    """Those whose module is missing, or older than a source beside it."""
    return [step for step in _steps(function) if _is_stale(step)]


def stand_ins(function: Path) -> dict[str, bytes]:
    """In place of the modules that are still to be built: with them the function can be checked before. By path."""
    places = [step.module or _only_module(step) or step.folder / "module.wasm" for step in stale_steps(function)]
    paths = (Path(os.path.relpath(place, function)).as_posix() for place in places)
    return {path: _DOES_NOTHING for path in paths if not path.startswith("../")}


def build_modules(function: Path) -> list[str]:
    """Build what is missing or older than a source beside it; the ids of those steps. Raises Problem.

    The command runs in a shell in the step's folder. To be called before the function is checked: a module that is not
    there yet is a fault.
    """
    built = []
    for step in stale_steps(function):
        note(f"building {one_line(step.step)}: {one_line(step.command, 200)}")
        _build(step)
        built.append(step.step)
    return built


def _steps(function: Path) -> Iterator[WasmStep]:
    """As they are written: what is wrong with them is told when the function is checked."""
    for step_id, step in _written(function).items():
        if not isinstance(step, dict):
            continue
        runtime = step.get("runtime")
        if not isinstance(runtime, dict) or runtime.get("type") != "wasm" or not isinstance(runtime.get("build"), str):
            continue
        path, module = step.get("path"), runtime.get("module")
        folder = function / (path.removeprefix("file://") if isinstance(path, str) else "")
        if folder.is_dir() and folder.resolve().is_relative_to(function.resolve()):
            yield WasmStep(step_id, folder, runtime["build"], folder / module if isinstance(module, str) else None)


def _written(function: Path) -> dict[str, object]:
    for name in DEFINITIONS:
        try:
            document = read_document((function / name).read_text(encoding="utf-8"), name)
        except (OSError, UnicodeError, InvalidDefinition):
            continue
        steps = document.get("steps") if isinstance(document, dict) else None
        return steps if isinstance(steps, dict) else {}
    return {}


def _is_stale(step: WasmStep) -> bool:
    module = step.module or _only_module(step)
    if module is None or not module.is_file():
        return True
    made = module.stat().st_mtime_ns
    return any(source.stat().st_mtime_ns > made for source in _sources(step.folder) if source != module)


def _only_module(step: WasmStep) -> Path | None:
    return next(iter(sorted(step.folder.glob("*.wasm"))), None)


def _sources(folder: Path) -> Iterator[Path]:
    for inner, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_ignored(name) and name not in _OUTPUT_FOLDERS]
        yield from (Path(inner) / name for name in names if not is_ignored(name) and not name.endswith(".wasm"))


def _build(step: WasmStep) -> None:
    built = run_build(step.command, step.folder)
    if built.code != 0:
        print_said(built.said)
        how = f"exit code {built.code}" if built.code > 0 else f"signal {-built.code}"
        raise Problem(
            f"building step {one_line(step.step)} failed ({how}): {one_line(step.command, 200)}",
            f"it ran in {os.path.relpath(step.folder)}",
        )
    if step.module is not None and not step.module.is_file():
        print_said(built.said)
        raise Problem(f"building step {one_line(step.step)} did not make {os.path.relpath(step.module)}")
    if step.module is not None:
        os.utime(step.module)  # a compiler that finds nothing to do leaves it older than what was touched
