"""`inngest login`: tries a token, and keeps it for the commands that follow."""

import getpass
import os
import sys
from typing import Annotated, Any

import typer

from apps.cli.client import Client, Refused
from apps.cli.commands.whoami import describe_access
from apps.cli.context import Env, check_environment
from apps.cli.credentials import KnownServer, Login, path_of_credentials, read_credentials, write_credentials
from apps.cli.printing import note, one_line, out
from apps.cli.problems import Problem
from apps.cli.servers import (
    API_TOKEN,
    API_URL,
    BRANCH,
    DEV_URL,
    Server,
    check_name,
    is_safe_for_tokens,
    is_token,
    read_url,
)

CREATE = "python manage.py keys create-api-token <environment> <name>"
_LONGEST_LINE = 10_000


def login(
    url: Annotated[str | None, typer.Option("--url", help="The server's address.", metavar="URL")] = None,
    token: Annotated[
        str | None, typer.Option("--token", help="An API token; - reads it from stdin.", metavar="TOKEN")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Send the token over plain http all the same.")] = False,
    env: Env = None,
) -> None:
    """Log in to a server, whose commands then need no token.

    The token is asked for without an echo, tried, and kept in a file that only you can read.
    A server in dev mode asks for none.
    """
    check_name(env)
    credentials = read_credentials()
    address = read_url(url or os.environ.get(API_URL) or credentials.current or DEV_URL, "--url" if url else API_URL)
    if _is_dev(address):
        server = Server(address, None, env)
        if token is not None:
            note(f"{address} is a dev server, which needs no token; the one that was given is not kept.")
    elif not (is_safe_for_tokens(address) or insecure):
        raise Problem(
            f"{address} is plain http: everybody on the way could read the token",
            "use its https address, or --insecure if the line is safe",
        )
    else:
        server = Server(address, _read_token(token, address), env)
    data = _asked(server, env)
    name = data["environment"]["name"]
    known = credentials.servers.setdefault(address, KnownServer(name))
    known.current = name
    opened = BRANCH if server.branch is not None else name
    known.environments[opened] = Login(server.token, data["access"]["scope"] or "")
    credentials.current = address
    write_credentials(credentials)
    out().print(f"Logged in to {address}, environment {one_line(name)}.")
    note(one_line(describe_access(data["access"])))
    for variable in (API_URL, API_TOKEN):
        if os.environ.get(variable):
            note(f"{variable} is set, and wins over this login; it is kept in {path_of_credentials()}.")


def _is_dev(address: str) -> bool:
    """Whether the server is there, is one of ours, and in dev mode. No token is sent yet."""
    root = Client(Server(address)).get("/")
    if not isinstance(root, dict) or "kind" not in root:
        raise Problem(f"{address} is a server of another kind, or a very old one", "check the address")
    return bool(root["kind"] == "dev")


def _read_token(given: str | None, address: str) -> str:
    if given == "-":
        token = sys.stdin.readline(_LONGEST_LINE).strip()
    elif given is not None:
        token = given.strip()
    elif sys.stdin.isatty():
        # It turns the echo off before it asks: what is pasted at once is not shown either.
        token = getpass.getpass(f"API token for {address}: ").strip()
    else:
        raise Problem("there is no token, and no terminal to ask for one", f"--token - reads it from stdin; {CREATE}")
    if not is_token(token):
        raise Problem("that is no API token: one is a single word such as api_…", f"{CREATE} makes one")
    return token


def _asked(server: Server, env: str | None) -> dict[str, Any]:
    client = Client(server)
    try:
        data: dict[str, Any] = client.get("/v1/whoami")["data"]
    except Refused as refusal:
        if refusal.status == 401:
            raise Problem(f"{server.url} does not know this token", f"{CREATE} makes one") from None
        if refusal.status == 400 and server.branch is None:
            raise Problem(refusal.message, f"--env {BRANCH}/<name> says which branch is meant") from None
        raise
    if env is not None:
        check_environment(client, env)
    return data
