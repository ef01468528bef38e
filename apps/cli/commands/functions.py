"""`inngest functions`: what is there, and what starts it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import ago, note, print_json

Archived = Annotated[bool, typer.Option("--archived", help="Show those that were taken down, too.")]

_SHOWN_TRIGGERS = 3


def functions(archived: Archived = False, env: Env = None, as_json: AsJson = False) -> None:
    """List the functions of the environment."""
    from apps.cli.listing import every

    found = list(every(connect(env), "/v1/functions", archived=archived or None))
    if as_json:
        print_json(found)
    elif found:
        from apps.cli.tables import table

        has_apps = any(one["app"] for one in found)
        headers = ["FUNCTION", "VERSION", "TRIGGERS", *(["APP"] if has_apps else []), "SINCE"]
        table(headers, [_row(one, has_apps) for one in found], give={"TRIGGERS"})
    else:
        note("there is no function here; inngest deploy brings some")


def _row(function: Mapping[str, Any], has_apps: bool) -> list[str]:
    number = function["version"]
    version = f"v{number}" if number is not None else "archived" if function["archived"] else "not live"
    app = [function["app"] or ""] if has_apps else []
    return [function["id"], version, _triggers(function["triggers"]), *app, ago(function["live_since"])]


def _triggers(triggers: Iterable[Mapping[str, Any]]) -> str:
    told = [_trigger(one) for one in triggers]
    more = f" and {len(told) - _SHOWN_TRIGGERS} more" if len(told) > _SHOWN_TRIGGERS else ""
    return ", ".join(told[:_SHOWN_TRIGGERS]) + more


def _trigger(trigger: Mapping[str, Any]) -> str:
    if trigger.get("cron"):
        return f"cron {trigger['cron']}"
    condition = f" if {trigger['expression']}" if trigger.get("expression") else ""
    return f"{trigger['event']}{condition}"
