"""`inngest secrets`: the environment variables of an environment's steps; set, listed, removed, never shown."""

from typing import Annotated, Any

import typer

from apps.cli.client import Client, Refused, quoted
from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import ago, note, one_line, out, print_json
from apps.cli.problems import Problem

app = typer.Typer(help="Set the environment variables of steps, which are kept encrypted.", no_args_is_help=True)

Words = Annotated[
    list[str] | None,
    typer.Argument(help="NAME, NAME VALUE, or any number of NAME=VALUE.", metavar="NAME [VALUE]", show_default=False),
]
FromFile = Annotated[
    list[str] | None,
    typer.Option("--from-file", "-f", help="All variables of a .env file; - for stdin.", metavar="FILE"),
]
Name = Annotated[str, typer.Argument(help="The secret's name.", metavar="NAME")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("set")
def set_(words: Words = None, from_file: FromFile = None, env: Env = None, as_json: AsJson = False) -> None:
    """Set secrets, or replace their values: all or none of them.

    Without a VALUE it is asked for, or read from stdin. Steps that begin a second later get it.
    """
    from apps.cli.secret_values import read_values

    given = read_values(words or [], from_file or [])
    client = connect(env)
    changed = client.send("PATCH", "/v1/secrets", given.body(), "application/json")["data"]
    if as_json:
        print_json(changed)
    else:
        made, replaced = changed["made"], changed["replaced"]
        for name in sorted([*made, *replaced]):
            out().print(f"  {'+' if name in made else '~'} {one_line(name)}", soft_wrap=True)
        out().print(f"{len(made)} new, {len(replaced)} replaced; steps get them from now on.", soft_wrap=True)
    if given.on_command_line:
        note(
            "A value on the command line stays in the shell's history; without one it is asked for, or read from stdin."
        )


@app.command("list")
def list_(env: Env = None, as_json: AsJson = False) -> None:
    """List the names of the secrets, who set them, and when."""
    from apps.cli.listing import every

    found = list(every(connect(env), "/v1/secrets"))
    if as_json:
        print_json(found)
    elif found:
        from apps.cli.tables import table

        several = len({one["environment"] for one in found}) > 1
        headers = ["SECRET", *(["ENVIRONMENT"] if several else []), "SET BY", "SET"]
        table(headers, [_row(one, several) for one in found], give={"SET BY"})
    else:
        note("there is no secret here; inngest secrets set NAME makes one")


@app.command("remove")
def remove(name: Name, yes: Yes = False, env: Env = None, as_json: AsJson = False) -> None:
    """Remove a secret: steps that begin a second later do not get it."""
    from apps.cli.confirming import confirm

    client = connect(env)
    if not yes:
        _check_there(client, name)
        confirm(f"Steps will not get {name} any more, and its value cannot be had back. Remove it?", yes)
    try:
        client.delete(f"/v1/secrets/{quoted(name)}")
    except Refused as refusal:
        raise _not_there(refusal.message) if refusal.status == 404 else refusal from None
    if as_json:
        print_json({"removed": name})
    else:
        out().print(f"{one_line(name)} is removed.", soft_wrap=True)


def _row(secret: dict[str, Any], several: bool) -> list[str]:
    where = [secret["environment"]] if several else []
    return [secret["name"], *where, secret["actor"], ago(secret["updated_at"])]


def _check_there(client: Client, name: str) -> None:
    from apps.cli.listing import every

    if not any(one["name"] == name for one in every(client, "/v1/secrets")):
        raise _not_there(f"there is no secret {one_line(name, 80)}")


def _not_there(message: str) -> Problem:
    return Problem(message, "inngest secrets list shows those that there are")
