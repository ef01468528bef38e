"""From a command's `--env` to a client of the right server."""

from typing import Annotated

import typer

from apps.cli.client import Client
from apps.cli.problems import Problem
from apps.cli.servers import API_TOKEN, API_URL, choose_server

Env = Annotated[str | None, typer.Option("--env", "-e", help="Environment to use.", metavar="NAME")]
"""The option of every command that talks to a server."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def connect(env: str | None = None) -> Client:
    """A client for the environment `env`, or the one that is current. Raises Problem if the token is for another."""
    server = choose_server(env)
    client = Client(server)
    if env is not None and not server.is_checked:
        check_environment(client, env)
    return client


def check_environment(client: Client, env: str) -> None:
    """Raises Problem if the client's token does not open this environment."""
    data = client.get("/v1/whoami")["data"]
    actual = data["environment"]["name"]
    if actual == env:
        return
    if data["server"]["kind"] == "dev":
        raise Problem(
            f"{client.server.url} is a dev server, whose one environment is {actual}, not {env}",
            f"leave --env out, or name another server: {API_URL}, inngest login --url …",
        )
    raise Problem(
        f"the token is for the environment {actual} of {client.server.url}, not for {env}",
        f"inngest login with a token of {env}, or set {API_TOKEN} to one",
    )
