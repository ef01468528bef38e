"""`inngest deploys`: who changed what an environment has, and when."""

from itertools import islice
from typing import Annotated

import typer

from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import ago, print_json

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")]


def deploys(limit: Limit = 20, env: Env = None, as_json: AsJson = False) -> None:
    """List what was deployed, rolled back or archived, the newest first: the numbers for `rollback --deploy`."""
    from apps.cli.listing import every

    found = list(islice(every(connect(env), "/v1/deploys"), limit))
    if as_json:
        print_json(found)
        return
    from apps.cli.tables import table

    rows = [(str(one["number"]), one["kind"], ago(one["created_at"]), one["actor"], one["note"]) for one in found]
    table(["DEPLOY", "KIND", "WHEN", "BY", "NOTE"], rows, give={"NOTE", "BY"}, right={"DEPLOY"})
