"""`inngest versions`: every version of a function that was ever deployed."""

from collections.abc import Mapping
from typing import Any

from apps.cli.client import quoted
from apps.cli.commands.live import FunctionId
from apps.cli.context import AsJson, Env, connect
from apps.cli.moving import known
from apps.cli.printing import ago, print_json


def versions(function: FunctionId, env: Env = None, as_json: AsJson = False) -> None:
    """List the versions of a function, the newest first."""
    from apps.cli.listing import every

    with known():
        found = list(every(connect(env), f"/v1/functions/{quoted(function)}/versions"))
    if as_json:
        print_json(found)
        return
    from apps.cli.tables import table

    headers = ["VERSION", "", "MADE", "BY", "FILES", "SIZE", "NOTE"]
    table(headers, [_row(one) for one in found], give={"NOTE", "BY"}, right={"FILES", "SIZE"})


def _row(version: Mapping[str, Any]) -> list[Any]:
    from rich.text import Text

    from apps.cli.progress import size

    deploy = version["deploy"] or {"actor": "", "note": ""}
    return [
        f"v{version['version']}",
        Text("live" if version["live"] else "", "bold green"),
        ago(version["created_at"]),
        deploy["actor"],
        str(version["files"]),
        size(version["bytes"]),
        deploy["note"],
    ]
