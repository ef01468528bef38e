"""`inngest rollback`: what was live before goes live again, for one function or for a whole deploy."""

from typing import Annotated

import typer

from apps.cli.client import Client, quoted
from apps.cli.commands.archive import Yes
from apps.cli.commands.live import Note, check_function, make_live
from apps.cli.completing import complete_function
from apps.cli.context import AsJson, Env, connect
from apps.cli.moving import known, move
from apps.cli.problems import Problem

FunctionId = Annotated[
    str | None,
    typer.Argument(
        metavar="FUNCTION",
        help="A function's id.",
        show_default="all that the last deploy changed",
        callback=check_function,
        autocompletion=complete_function,
    ),
]
To = Annotated[int | None, typer.Option("--to", min=1, help="The version to go back to.", metavar="VERSION")]
Number = Annotated[int | None, typer.Option("--deploy", min=1, help="The deploy to take back.", metavar="N")]

_LOOKED_AT = 50
"""Deploys, to find the last one that was no app's own."""


def rollback(
    function: FunctionId = None,
    *,
    to: To = None,
    deploy: Number = None,
    note: Note = None,
    yes: Yes = False,
    env: Env = None,
    as_json: AsJson = False,
) -> None:
    """Go back: for one function to the version before, or for all that the last deploy changed."""
    if function is not None and deploy is not None:
        raise Problem(
            "a function or --deploy: both together say two things", "inngest rollback --deploy N takes all back"
        )
    if to is not None and function is None:
        raise Problem("--to is a version of one function", f"inngest rollback FUNCTION --to {to}")
    client = connect(env)
    if function is None:
        number = _last(client) if deploy is None else deploy
        _agree(client, number, yes)
        again = "roll back function by function: inngest rollback FUNCTION"
        move(client, f"/v1/deploys/{number}/rollback", note=note, env=env, as_json=as_json, again=again)
    elif to is not None:
        make_live(client, function, to, note=note, env=env, as_json=as_json)
    else:
        move(client, f"/v1/functions/{quoted(function)}/rollback", note=note, env=env, as_json=as_json)


def _agree(client: Client, number: int, yes: bool) -> None:
    """Shows what taking the deploy back does, and asks."""
    if yes:
        return
    from apps.cli.confirming import confirm
    from apps.cli.deployed import tell_plan

    with known(is_deploy=True):
        plan = client.get(f"/v1/deploys/{number}")["data"]
    if not plan["releases"]:
        raise Problem(f"deploy {number} made nothing live, so there is nothing to take back")
    tell_plan(plan)
    confirm(f"Take deploy {number} back?", yes)


def _last(client: Client) -> int:
    """The number of the last deploy that can be taken back: what an app has registered is the app's to change."""
    deploys = client.get("/v1/deploys", limit=_LOOKED_AT)["data"]
    last = next((one for one in deploys if one["kind"] != "register"), None)
    if last is None:
        raise Problem("there is no deploy to take back", "inngest deploy makes the first one")
    if last["kind"] == "rollback":
        raise Problem(
            f"the last deploy, {last['number']}, is a rollback itself",
            "inngest rollback FUNCTION takes one function further back\n"
            "inngest live FUNCTION VERSION makes any version live",
        )
    return int(last["number"])
