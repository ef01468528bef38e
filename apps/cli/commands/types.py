"""`inngest types`: the events' schemas as types of a language."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.event_types.module import Language, module
from apps.cli.printing import note, one_line
from apps.cli.problems import Problem

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with functions.", show_default="here")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write to this file.", metavar="FILE", show_default="stdout")
]


def types(
    language: Annotated[Language, typer.Argument(metavar="LANGUAGE", help="typescript or python.")],
    folder: Folder = Path(),
    *,
    out: Out = None,
) -> None:
    """Write the types of the events that start the functions below a folder, from the events' schemas.

    An event whose trigger has no schema gets a type that takes any data.
    """
    from apps.cli.event_types.finding import events_below
    from apps.cli.faults import local_faults, print_faults
    from apps.datastore.definition.faults import InvalidDefinition

    if not folder.is_dir():
        raise Problem(f"there is no folder {one_line(str(folder))}")
    try:
        events = events_below(folder)
    except InvalidDefinition as invalid:
        print_faults(local_faults(folder, invalid.faults))
        count = len(invalid.faults)
        raise Problem(f"{count} {'fault' if count == 1 else 'faults'}; no types were written") from None
    if not events:
        raise Problem(
            f"no function below {one_line(str(folder))} is started by an event",
            "a function is a folder with an inngest.json or inngest.yaml",
        )
    _write(module(language, events), out, len(events))


def _write(text: str, out: Path | None, count: int) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = out.with_name(f".{out.name}.{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(out)  # whoever watches the file never sees half of it
    except OSError as error:
        raise Problem(f"{one_line(str(out))} cannot be written: {error.strerror}") from None
    note(f"{count} {'event' if count == 1 else 'events'} in {one_line(str(out))}")
