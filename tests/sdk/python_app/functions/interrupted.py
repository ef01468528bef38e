"""Functions under which workers are killed."""

from datetime import timedelta
from functools import partial

import inngest

from tests.sdk.python_app.functions.making import Json, done, function, held


@function()
async def killed_in_a_step(ctx: inngest.Context) -> Json:
    async def step(name: str) -> str:
        return await held(ctx, name)

    return [await ctx.step.run(name, step, name) for name in ("one", "in a step", "three")]


@function()
async def killed_in_parallel(ctx: inngest.Context) -> Json:
    async def branch(number: int) -> int:
        done(ctx, f"branch {number}")
        if number % 2:
            await held(ctx, "in parallel")
        return number

    branches = tuple(partial(ctx.step.run, f"branch {n}", branch, n) for n in range(8))
    return list(await ctx.group.parallel(branches))


@function()
async def killed_asleep(ctx: inngest.Context) -> Json:
    async def step(name: str) -> str:
        done(ctx, name)
        return name

    before = await ctx.step.run("before", step, "before")
    await ctx.step.sleep("nap", timedelta(seconds=4))
    return [before, await ctx.step.run("after", step, "after")]


@function()
async def holds(ctx: inngest.Context) -> Json:
    async def step() -> str:
        return await held(ctx, "invoked")

    return await ctx.step.run("hold", step)


@function()
async def killed_invoking(ctx: inngest.Context) -> Json:
    async def step() -> str:
        done(ctx, "before")
        return "before"

    return [await ctx.step.run("before", step), await ctx.step.invoke("invoke", function=holds)]
