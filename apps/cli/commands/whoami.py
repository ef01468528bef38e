"""`inngest whoami`: which server, which environment, and what the token may do."""

from typing import Any

from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import fields, print_json


def whoami(env: Env = None, as_json: AsJson = False) -> None:
    """Show the server, the environment and what your token may do."""
    client = connect(env)
    data = client.get("/v1/whoami")["data"]
    if as_json:
        print_json({"url": client.server.url, **data})
        return
    server, environment = data["server"], data["environment"]
    fields(
        {
            "server": f"{client.server.url} ({server['kind']}, version {server['version']})",
            "environment": environment["name"],
            "access": describe_access(data["access"]),
            "from": client.server.source,
        }
    )


def describe_access(access: dict[str, Any]) -> str:
    """Of `/v1/whoami`: the key, and its scope."""
    if access["kind"] == "dev":
        return "no token is needed: it is a dev server"
    kind = {"api-token": "API token", "signing-key": "signing key"}.get(access["kind"], access["kind"])
    hint = f" ({access['hint']}…)" if access.get("hint") else ""
    return f"{kind} {access['name']}{hint}, scope {access['scope']}"
