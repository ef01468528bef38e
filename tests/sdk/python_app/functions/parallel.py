"""Parallel steps, in both modes (`race` in the event)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from tests.sdk.python_app.functions.invoking import adds
from tests.sdk.python_app.functions.making import RACE, WAIT, Json, done, function, held


@function()
async def fans(ctx: inngest.Context) -> Json:
    data: Json = ctx.event.data

    async def branch(number: int) -> int:
        done(ctx, f"branch {number}")
        if "together" in data:
            await held(ctx, "together")
        return number

    mode = RACE if data.get("race") else WAIT
    branches = tuple(partial(ctx.step.run, f"branch {n}", branch, n) for n in range(data["branches"]))
    outputs = await ctx.group.parallel(branches, parallel_mode=mode)
    done(ctx, "after")
    return sum(outputs)


@function()
async def fans_twice(ctx: inngest.Context) -> Json:
    """Parallel steps, then single ones, then parallel ones again."""

    async def value(number: int) -> int:
        done(ctx, f"value {number}")
        return number

    mode = RACE if ctx.event.data.get("race") else WAIT
    outputs = [await ctx.step.run("first", value, 0)]
    outputs += await ctx.group.parallel(
        (lambda: ctx.step.run("a", value, 1), lambda: ctx.step.run("b", value, 2)), parallel_mode=mode
    )
    outputs += [await ctx.step.run("single", value, 3), await ctx.step.run("single", value, 4)]
    outputs += await ctx.group.parallel(
        (lambda: ctx.step.run("c", value, 5), lambda: ctx.step.run("d", value, 6)), parallel_mode=mode
    )
    return outputs


@function()
async def fans_mixed(ctx: inngest.Context) -> Json:
    async def run() -> str:
        done(ctx, "run")
        return "run"

    async def failing() -> str:
        done(ctx, "failing")
        raise ValueError("in a branch")

    async def caught() -> str:
        try:
            return await ctx.step.run("failing", failing)
        except inngest.StepError as error:
            return error.message

    async def waited() -> bool:
        wait = timedelta(seconds=1)
        return await ctx.step.wait_for_event("wait", event="test/never", timeout=wait) is None

    mode = RACE if ctx.event.data.get("race") else WAIT
    branches: tuple[Callable[[], Any], ...] = (
        lambda: ctx.step.run("run", run),
        lambda: ctx.step.sleep("sleep", 300),
        waited,
        lambda: ctx.step.invoke("invoke", function=adds, data={"a": 1, "b": 1}),
        caught,
    )
    return list(await ctx.group.parallel(branches, parallel_mode=mode))


@function()
async def chains(ctx: inngest.Context) -> Json:
    """Two steps after each other in each branch: in RACE mode a quick branch does not wait for a slow one."""

    async def step(name: str, seconds: float) -> str:
        done(ctx, f"{name} begins")
        await asyncio.sleep(seconds)
        done(ctx, f"{name} ends")
        return name

    async def chain(name: str, seconds: float) -> str:
        first = await ctx.step.run(f"{name} 1", step, f"{name} 1", seconds)
        return first + await ctx.step.run(f"{name} 2", step, f"{name} 2", seconds)

    mode = RACE if ctx.event.data.get("race") else WAIT
    return list(await ctx.group.parallel((lambda: chain("quick", 0), lambda: chain("slow", 1.5)), parallel_mode=mode))
