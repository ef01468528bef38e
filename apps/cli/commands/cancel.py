"""`inngest cancel`: nothing of a run starts any more."""

from typing import Annotated, Any

import typer

from apps.cli.client import Client, Refused
from apps.cli.confirming import confirm
from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import err, one_line, out, print_json
from apps.cli.run_ids import RunIds, not_found, read_run_id

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def cancel(runs: RunIds, yes: Yes = False, env: Env = None, as_json: AsJson = False) -> None:
    """Cancel runs. What they are doing now has its result dropped.

    The exit code is 1 if one of them could not be cancelled.
    """
    run_ids = list(dict.fromkeys(read_run_id(run) for run in runs))
    client = connect(env)
    confirm(f"Cancel {f'run {run_ids[0]}' if len(run_ids) == 1 else f'{len(run_ids)} runs'}?", yes)
    results = [_cancel(client, run_id, as_json) for run_id in run_ids]
    if as_json:
        print_json(results)
    if not all(result["cancelled"] for result in results):
        raise typer.Exit(1)


def _cancel(client: Client, run_id: str, is_quiet: bool) -> dict[str, Any]:
    """Cancels one, and says how that went. Only 404 and 409 are its own; any other refusal ends the command."""
    from rich.text import Text

    try:
        client.delete(f"/v1/runs/{run_id}")
    except Refused as refusal:
        if refusal.status not in {404, 409}:
            raise
        fault = not_found(refusal, run_id, client.server.environment).message
        if not is_quiet:
            err().print(Text.assemble(("error: ", "bold red"), one_line(fault)), soft_wrap=True)
        return {"run_id": run_id, "cancelled": False, "error": fault}
    if not is_quiet:
        out().print(f"{run_id}  cancelled")
    return {"run_id": run_id, "cancelled": True, "error": None}
