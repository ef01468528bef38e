"""How the functions of this folder are made: one for each feature, triggered by `test/<its id>`."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import inngest

from tests.sdk.python_app.record import effect, is_held

Json = Any
Handler = Callable[[inngest.Context], Any]
RACE = inngest.ParallelMode.RACE
WAIT = inngest.ParallelMode.WAIT
TOPIC = os.environ.get("TOPIC", "test")
"""What the names of events begin with: with another one, a second app with these functions keeps to itself."""

client = inngest.Inngest(app_id=os.environ.get("APP_ID", "fastapi"), app_version="1.2.3")
functions: list[inngest.Function[Any]] = []


def function(**options: Any) -> Callable[[Handler], inngest.Function[Any]]:
    """`client.create_function` with the function's own name as its id and its event."""

    def decorate(handler: Handler) -> inngest.Function[Any]:
        name = handler.__name__
        options.setdefault("trigger", inngest.TriggerEvent(event=f"{TOPIC}/{name}"))
        made = client.create_function(fn_id=options.pop("fn_id", name), **options)(handler)
        functions.append(made)
        return made

    return decorate


def done(ctx: inngest.Context, what: str) -> int:
    """Write down that code was executed; how often it has been in this run."""
    return effect(ctx.run_id, what)


async def held(ctx: inngest.Context, what: str) -> str:
    """Write it down, and stay while the test holds it."""
    done(ctx, what)
    while is_held(what):
        await asyncio.sleep(0.02)
    return what
