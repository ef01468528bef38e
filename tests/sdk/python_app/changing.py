"""An app that is deployed anew while its runs wait: $EDITION says which edition of its functions this is."""

import os
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from tests.sdk.python_app.record import effect

Json = Any
EDITION = os.environ.get("EDITION", "first")

client = inngest.Inngest(app_id=os.environ.get("APP_ID", "changing"))
functions: list[inngest.Function[Any]] = []


async def wait_for_deploy(ctx: inngest.Context) -> None:
    await ctx.step.wait_for_event("deployed", event="changing/deployed", timeout=timedelta(minutes=2))


async def say(ctx: inngest.Context, what: str) -> str:
    async def step() -> str:
        effect(ctx.run_id, what)
        return f"{what} in the {EDITION} edition"

    return await ctx.step.run(what, step)


@client.create_function(fn_id="renamed", trigger=inngest.TriggerEvent(event="changing/begin"))
async def renamed(ctx: inngest.Context) -> Json:
    """Its first step has another id in the second edition."""
    first = await say(ctx, "one" if EDITION == "first" else "another")
    await wait_for_deploy(ctx)
    return [first, await say(ctx, "two")]


@client.create_function(fn_id="shortened", trigger=inngest.TriggerEvent(event="changing/begin"))
async def shortened(ctx: inngest.Context) -> Json:
    """Its steps are gone in the second edition."""
    if EDITION != "first":
        return "nothing to do"
    first = await say(ctx, "one")
    await wait_for_deploy(ctx)
    return [first]


@client.create_function(fn_id="removed", retries=1, trigger=inngest.TriggerEvent(event="changing/begin"))
async def removed(ctx: inngest.Context) -> Json:
    """It is not there at all in the second edition."""
    await say(ctx, "one")
    await wait_for_deploy(ctx)


@client.create_function(fn_id="restless", retries=1, trigger=inngest.TriggerEvent(event="changing/restless"))
async def restless(ctx: inngest.Context) -> Json:
    """Its branches are others in each call."""

    async def step() -> None:
        effect(ctx.run_id, "branch")

    names = [str(uuid.uuid4()) for _ in range(2)]
    return list(await ctx.group.parallel(tuple(partial(ctx.step.run, name, step) for name in names)))


functions += [renamed, shortened, restless]
if EDITION == "first":
    functions.append(removed)
