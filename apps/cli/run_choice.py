"""What `inngest run` runs: which function, by which of its triggers."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from apps.cli.packing import LIMITS
from apps.cli.printing import note, one_line
from apps.cli.problems import Problem
from apps.datastore.definition import FunctionDefinition, InvalidDefinition, check_files, find_functions, read_files
from apps.datastore.definition.documents import read_document
from apps.datastore.definition.folder import DEFINITIONS

TIMER = "inngest/scheduled.timer"
_LISTED = 10


class Chosen(NamedTuple):
    """A trigger, as an event of it begins."""

    event: str
    schema: str | None = None
    """JSON text."""
    cron: str | None = None


def choose_folder(folder: Path, wanted: str | None) -> Path:
    """The folder of the one function below `folder`, or of the one whose id, or folder, is `wanted`. Raises Problem."""
    if not folder.is_dir():
        raise Problem(f"there is no folder {one_line(str(folder))}")
    folders = find_functions(folder)
    if wanted is not None:
        named = [one for one in folders if wanted in (_id(one), one.resolve().name)]
        if len(named) == 1:
            return named[0]
        raise Problem(f"there is no function {one_line(wanted)} below {one_line(str(folder))}", _list(folders))
    if len(folders) == 1:
        return folders[0]
    if not folders:
        raise Problem(
            f"there is no function below {one_line(str(folder))}",
            "a function is a folder with an inngest.json or inngest.yaml; inngest init makes one",
        )
    raise typer.BadParameter(
        f"There are {len(folders)} functions below {one_line(str(folder))}; name one with --function.\n{_list(folders)}"
    )


def check(folder: Path) -> FunctionDefinition:
    """The function's definition. Raises Problem, with its faults printed."""
    try:
        return check_files(read_files(folder, LIMITS), LIMITS).definition
    except InvalidDefinition as invalid:
        from apps.cli.faults import local_faults, print_faults

        faults = local_faults(folder, invalid.faults)
        print_faults(faults)
        raise Problem(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}; nothing was run") from None


def choose_trigger(definition: FunctionDefinition, wanted: str | None) -> Chosen:
    """The trigger that has this event, or this cron; without one the first, with a note. Raises Problem."""
    triggers = [Chosen(one.event, one.schema) for one in definition.triggers]
    triggers += [Chosen(TIMER, cron=one.cron) for one in definition.crons]
    names = [one.cron or one.event for one in triggers]
    if wanted is None:
        if len(set(names)) > 1:
            note(f"by its trigger {one_line(names[0])}; --trigger takes another: {_joined(names[1:])}")
        return triggers[0]
    for one, name in zip(triggers, names, strict=True):
        if wanted == name:
            return one
    raise Problem(f"{definition.id} has no trigger {one_line(wanted)}", f"it has {_joined(names)}")


def _joined(names: Sequence[str]) -> str:
    return ", ".join(one_line(name) for name in dict.fromkeys(names))


def _list(folders: Sequence[Path]) -> str:
    lines = [f"  {one_line(_id(one)):<30}  {one_line(os.path.relpath(one))}" for one in folders[:_LISTED]]
    more = len(folders) - _LISTED
    return "\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])])


def _id(folder: Path) -> str:
    """A function that has faults has an id all the same, mostly; its folder's name if not."""
    for name in DEFINITIONS:
        try:
            document = read_document((folder / name).read_text(encoding="utf-8"), name)
        except (OSError, UnicodeError, InvalidDefinition):
            continue
        if isinstance(document, dict) and isinstance(document.get("id"), str):
            return str(document["id"])
    return folder.resolve().name
