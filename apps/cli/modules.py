"""The modules of wasm steps, built before a deploy where they are out of date."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from apps.cli.packing import check
from apps.cli.printing import note, one_line
from apps.cli.wasm_builds import build_modules, stale_steps, stand_ins
from apps.datastore.definition.folder import find_functions

if TYPE_CHECKING:
    from apps.cli.progress import Stages


def note_stale_modules(root: Path) -> None:
    """For who changes nothing now: what is not what would be deployed."""
    for folder in find_functions(root):
        for step in stale_steps(folder):
            note(
                f"a deploy builds the module of {one_line(os.path.relpath(folder))}, step {one_line(step.step)}, first"
            )


def build_all_modules(root: Path, shown: "Stages") -> None:
    """Of all functions below `root`, once these are right but for the modules. Raises InvalidDefinition, Problem."""
    stale = [folder for folder in find_functions(root) if stale_steps(folder)]
    if not stale:
        return
    check(root, shown.packing, {folder.relative_to(root).as_posix(): stand_ins(folder) for folder in stale})
    for number, folder in enumerate(stale):
        shown.building(number, len(stale), "functions with modules")
        build_modules(folder)
