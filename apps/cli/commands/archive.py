"""`inngest archive`: a function is taken down."""

from typing import Annotated

import typer

from apps.cli.client import quoted
from apps.cli.commands.live import FunctionId, Note
from apps.cli.context import AsJson, Env, connect
from apps.cli.moving import known, move

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def archive(
    function: FunctionId, yes: Yes = False, note: Note = None, env: Env = None, as_json: AsJson = False
) -> None:
    """Take a function down: nothing starts it any more, and its runs go on."""
    from apps.cli.confirming import confirm

    client = connect(env)
    path = f"/v1/functions/{quoted(function)}"
    if not yes:
        with known():
            is_live = client.get(path)["data"]["version"] is not None
        if is_live:
            confirm(f"No event and no cron will start {function} any more. Archive it?", yes)
    move(client, f"{path}/archive", note=note, env=env, as_json=as_json)
