"""`inngest live`: a version that is there goes live."""

from typing import Annotated

import typer

from apps.cli.client import Client, quoted
from apps.cli.completing import complete_function
from apps.cli.context import AsJson, Env, connect
from apps.cli.moving import known, move


def check_function(function: str | None) -> str | None:
    if function is not None and not function.strip():
        raise typer.BadParameter("a function's id is not empty")
    return function


FunctionId = Annotated[
    str,
    typer.Argument(
        metavar="FUNCTION", help="The function's id.", callback=check_function, autocompletion=complete_function
    ),
]
Version = Annotated[int | None, typer.Argument(min=1, metavar="VERSION", help="Its number.", show_default="the newest")]
Note = Annotated[str | None, typer.Option("--note", help="Why; kept with the deploy.", metavar="TEXT")]


def live(
    function: FunctionId, version: Version = None, note: Note = None, env: Env = None, as_json: AsJson = False
) -> None:
    """Let a version of a function go live."""
    make_live(connect(env), function, version, note=note, env=env, as_json=as_json)


def make_live(
    client: Client, function: str, version: int | None, *, note: str | None, env: str | None, as_json: bool
) -> None:
    """`version` None is the newest one."""
    path = f"/v1/functions/{quoted(function)}"
    if version is None:
        with known():
            version = client.get(path)["data"]["newest_version"]
    move(client, f"{path}/live", {"version": version}, note=note, env=env, as_json=as_json)
