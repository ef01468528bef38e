"""What to tell someone whose deploy was refused because somebody else deployed the same functions meanwhile."""

from collections.abc import Mapping
from typing import Any

from apps.cli.printing import ago, one_line
from apps.cli.problems import Problem
from apps.cli.refusals import Refused


def conflict(refused: Refused, again: str) -> Problem:
    """What changed, by whom and when. `again` is what to do once that was looked at."""
    changed = refused.body.get("changed") if isinstance(refused.body, dict) else None
    if not changed:
        return refused
    told = [f"  {_moved(one)}" for one in changed]
    look = "; ".join(f"inngest diff {one_line(one['function_id'])}" for one in changed[:3])
    return Problem(
        "\n".join(["there was another deploy since, so nothing was changed:", *told]),
        f"look at it: {look}\nthen {again}",
    )


def _moved(one: Mapping[str, Any]) -> str:
    deploy = one["deploy"]
    by = f"by {one_line(deploy['actor'], 60)}, {ago(deploy['created_at'])}, in {deploy['kind']} {deploy['number']}"
    note = f": {one_line(deploy['note'], 100)}" if deploy["note"] else ""
    return f"{one_line(one['function_id'])}  {_version(one['was'])} → {_version(one['now'])}  {by}{note}"


def _version(number: int | None) -> str:
    return "nothing" if number is None else f"v{number}"
