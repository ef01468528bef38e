"""`inngest logout`: forgets tokens. They stay valid; an admin revokes them."""

import os
from typing import Annotated

import typer

from apps.cli.context import Env
from apps.cli.credentials import Credentials, KnownServer, read_credentials, write_credentials
from apps.cli.printing import note, one_line, out
from apps.cli.problems import Problem
from apps.cli.servers import API_TOKEN, BRANCH, read_url


def logout(
    url: Annotated[str | None, typer.Option("--url", help="The server; else the current one.", metavar="URL")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Forget every server and token.")] = False,
    env: Env = None,
) -> None:
    """Forget the token of the current environment, or all tokens."""
    credentials = read_credentials()
    if everything:
        write_credentials(Credentials())
        out().print("Logged out of every server.")
    else:
        address = read_url(url, "--url") if url else credentials.current
        known = credentials.servers.get(address) if address else None
        if address is None or known is None:
            raise Problem(f"nobody has logged in to {address or 'a server'} here")
        _forget(credentials, address, known, env)
    if os.environ.get(API_TOKEN):
        note(f"{API_TOKEN} is set, and still used.")


def _forget(credentials: Credentials, address: str, known: KnownServer, env: str | None) -> None:
    name = env or known.current
    stored = name if name in known.environments else name.partition("/")[0]
    if stored not in known.environments or stored not in {name, BRANCH}:
        there = ", ".join(sorted(known.environments))
        raise Problem(f"nobody has logged in to the environment {name} of {address} here", f"there is {there}")
    del known.environments[stored]
    out().print(f"Logged out of {address}, environment {one_line(stored)}.")
    if not known.environments:
        del credentials.servers[address]
        if credentials.current == address:
            credentials.current = None
    elif known.current in {name, stored}:
        known.current = min(known.environments)
        note(f"Commands for {address} now go to the environment {known.current}.")
    write_credentials(credentials)
