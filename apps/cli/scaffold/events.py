"""The event that starts a new function: its schema, and one to try the function with."""

import re
from typing import Any

from apps.cli.scaffold.plan import Plan

SCHEDULED = "inngest/scheduled.timer"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(event: str) -> dict[str, Any]:
    """A schema to begin with: of the event as a step gets it."""
    return {
        "$schema": DRAFT,
        "title": event,
        "type": "object",
        "properties": {
            "name": {"const": event},
            "data": {
                "type": "object",
                "properties": {"id": {"type": "string", "description": "Whom or what the event is about."}},
                "required": ["id"],
            },
            "user": {
                "type": "object",
                "properties": {"external_id": {"type": "string", "description": "Your own id of the user."}},
            },
        },
        "required": ["name", "data"],
    }


def test_event(plan: Plan) -> dict[str, Any]:
    if plan.event is None:
        return {"name": SCHEDULED, "data": {"cron": plan.cron}}
    return {"name": plan.event, "data": {"id": "test-1"}, "user": {"external_id": "test-1"}}


def schema_path(event: str) -> str:
    """Seen from the function's folder: `events/user-signed-up.json`."""
    words = re.findall(r"[a-z0-9]+", event.lower())
    return f"events/{'-'.join(words)[:80] or 'event'}.json"
