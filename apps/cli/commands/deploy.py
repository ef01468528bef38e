"""`inngest deploy`: every function below a folder goes live, in one request."""

import os
import re
import shlex
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from apps.cli.client import Client, Refused
from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import one_line, print_json
from apps.cli.problems import Problem

if TYPE_CHECKING:
    from apps.cli.packing import Packed
    from apps.cli.progress import Stages

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with functions.", show_default="here")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
NoLive = Annotated[bool, typer.Option("--no-live", help="Store the versions, and let what is live stay live.")]
NoBuild = Annotated[
    bool, typer.Option("--no-build", help="Build nothing here: modules are sent as they are, and workers build images.")
]
Note = Annotated[str | None, typer.Option("--note", help="Why; kept with the deploy.", metavar="TEXT")]


def deploy(
    folder: Folder = Path(),
    *,
    dry_run: DryRun = False,
    no_live: NoLive = False,
    no_build: NoBuild = False,
    note_: Note = None,
    env: Env = None,
    as_json: AsJson = False,
) -> None:
    """Deploy all functions below a folder, and let them go live together.

    Every function is checked first; if one has a fault, all faults are shown and nothing is sent. Then what its steps
    run in is built: modules of WebAssembly that say how, and images, which go to the server's registry if it has one.
    """
    from apps.cli.progress import stages

    begun = time.monotonic()
    asked = _Asked(dry_run, not no_live, not (no_build or dry_run), note_, as_json)
    with stages(is_quiet=as_json) as shown:
        archive, packed = _pack(folder, shown, asked)
        client = connect(env)
        if asked.build and packed.images:
            from apps.cli.images import make_images

            make_images(packed.images, client, shown)
        data = _send(client, archive, packed, folder, shown, asked)
    if as_json:
        print_json(data)
    else:
        from apps.cli.deployed import tell_deployed

        tell_deployed(data, folder, env, time.monotonic() - begun, live=not no_live)


class _Asked(NamedTuple):
    """The options of a deploy."""

    dry_run: bool
    live: bool
    build: bool
    note: str | None
    as_json: bool


def _pack(folder: Path, shown: "Stages", asked: _Asked) -> tuple[bytes, "Packed"]:
    from apps.cli.faults import local_faults
    from apps.cli.modules import build_all_modules, note_stale_modules
    from apps.cli.packing import pack
    from apps.datastore.definition.faults import InvalidDefinition

    _require_folder(folder)
    archive = BytesIO()
    try:
        if asked.build:
            build_all_modules(folder, shown)
        elif asked.dry_run:
            note_stale_modules(folder)
        packed = pack(folder, archive, shown.packing)
    except InvalidDefinition as invalid:
        if asked.as_json:
            print_json(
                {"faults": [{field: getattr(one, field) for field in one.__struct_fields__} for one in invalid.faults]}
            )
        raise _refuse(local_faults(folder, invalid.faults), "nothing was sent") from None
    if packed.functions == 0:
        raise _nothing(folder)
    return archive.getvalue(), packed


def _send(
    client: Client,
    archive: bytes,
    packed: "Packed",
    folder: Path,
    shown: "Stages",
    asked: _Asked,
) -> Any:
    from apps.cli.conflicts import conflict
    from apps.cli.faults import server_fault

    shown.uploading(0, len(archive))
    try:
        answer = client.send(
            "POST",
            "/v1/deploys",
            archive,
            "application/gzip",
            {"dry_run": asked.dry_run or None, "live": None if asked.live else False, "note": asked.note},
            lambda sent: shown.uploading(sent, len(archive)),
        )
    except Refused as refused:
        faults = refused.body.get("faults") if isinstance(refused.body, dict) else None
        if refused.status == 400 and faults:
            if asked.as_json:
                print_json({"faults": faults})
            told = [server_fault(folder, fault) for fault in faults]
            raise _refuse(told, "the server refused them, and nothing was deployed") from None
        if refused.status == 409:
            raise conflict(refused, "deploy again") from None
        if refused.status == 413:
            raise _too_large(refused, len(archive), packed) from None
        raise
    return answer["data"]


def _too_large(refused: Refused, sent: int, packed: "Packed") -> Problem:
    from apps.cli.packing import largest_lines
    from apps.cli.progress import size

    said = re.sub(r"\d+(?= bytes)", lambda limit: f"{limit[0]} ({size(int(limit[0]))})", one_line(refused.message))
    return Problem(
        f"the deploy is too large: {packed.files} files, {size(sent)} packed",
        "\n".join([f"the server says: {said}", "the largest files are", *largest_lines(packed.largest)]),
    )


def _refuse(faults: list[Any], outcome: str) -> Problem:
    """Prints the faults, a line for each, and makes the problem that ends the command."""
    from apps.cli.faults import print_faults

    print_faults(faults)
    return Problem(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}; {outcome}")


def _require_folder(folder: Path) -> None:
    if not folder.exists():
        raise Problem(f"there is no folder {one_line(str(folder))}")
    if not folder.is_dir():
        raise Problem(
            f"{one_line(str(folder))} is a file", f"deploy its folder: inngest deploy {shlex.quote(str(folder.parent))}"
        )


def _nothing(folder: Path) -> Problem:
    from apps.datastore.definition.folder import DEFINITIONS

    inside = next(
        (one for one in folder.resolve().parents if any((one / name).is_file() for name in DEFINITIONS)), None
    )
    if inside is not None:
        around = shlex.quote(os.path.relpath(inside))
        return Problem(f"{one_line(str(folder))} lies inside of a function", f"deploy that: inngest deploy {around}")
    return Problem(
        f"there is no function below {one_line(str(folder))}",
        "a function is a folder with an inngest.json or inngest.yaml\n"
        "folders whose names begin with a dot, and node_modules, are passed over",
    )
