"""Functions and steps that fail, and handlers that hear of it."""

from datetime import timedelta

import inngest

from tests.sdk.python_app.functions.making import Json, client, done, function


@function(retries=4)
async def stumbles(ctx: inngest.Context) -> Json:
    async def step() -> int:
        tries = done(ctx, "try")
        if tries < 3:
            raise ValueError(f"try {tries}")
        return tries

    first = await ctx.step.run("stumbling", step)
    return {"tries": first, "attempt": ctx.attempt}


@function(retries=2)
async def catches(ctx: inngest.Context) -> Json:
    async def step() -> None:
        done(ctx, "try")
        raise KeyError("no such thing")

    async def after() -> str:
        done(ctx, "after")
        return "went on"

    try:
        await ctx.step.run("failing", step)
    except inngest.StepError as error:
        return {"name": error.name, "message": error.message, "after": await ctx.step.run("after", after)}


@function(retries=2)
async def passes_on(ctx: inngest.Context) -> Json:
    async def step() -> None:
        done(ctx, "try")
        raise KeyError("not caught")

    await ctx.step.run("failing", step)


@function()
async def gives_up(ctx: inngest.Context) -> Json:
    async def step() -> None:
        done(ctx, "try")
        raise inngest.NonRetriableError("never again")

    await ctx.step.run("failing", step)


@function()
async def gives_up_outside(ctx: inngest.Context) -> Json:
    done(ctx, "try")
    raise inngest.NonRetriableError("never again")


@function()
async def comes_back(ctx: inngest.Context) -> Json:
    if done(ctx, "try") == 1:
        raise inngest.RetryAfterError("later", timedelta(seconds=2))
    return ctx.attempt


@function()
async def comes_back_in_a_step(ctx: inngest.Context) -> Json:
    async def step() -> int:
        tries = done(ctx, "try")
        if tries == 1:
            raise inngest.RetryAfterError("later", timedelta(seconds=2))
        return tries

    return await ctx.step.run("later", step)


@function(retries=2)
async def breaks(ctx: inngest.Context) -> Json:
    done(ctx, "try")
    raise RuntimeError(f"attempt {ctx.attempt}")


@function(retries=3)
async def breaks_between_steps(ctx: inngest.Context) -> Json:
    """Breaks twice after a step, and breaks twice again after the next: each place has attempts of its own."""

    async def step(name: str) -> str:
        done(ctx, name)
        return name

    first = await ctx.step.run("one", step, "one")
    if done(ctx, "between") < 3:
        raise RuntimeError("between the steps")
    second = await ctx.step.run("two", step, "two")
    if done(ctx, "behind") < 3:
        raise RuntimeError("behind the steps")
    return [first, second]


@function(retries=0)
async def breaks_at_once(ctx: inngest.Context) -> Json:
    done(ctx, "try")
    raise RuntimeError("once is enough")


@function(retries=20)
async def patient(ctx: inngest.Context) -> Json:
    """What tries for long, while something is put right."""
    return ctx.attempt


@function(retries=0)
async def not_json(ctx: inngest.Context) -> Json:
    done(ctx, "try")
    return object()


async def tell_of_failure(ctx: inngest.Context) -> Json:
    async def tell() -> Json:
        done(ctx, "told")
        return ctx.event.data

    return await ctx.step.run("tell", tell)


@function(retries=1, on_failure=tell_of_failure)
async def fails_loudly(ctx: inngest.Context) -> Json:
    raise ValueError("heard by all")


@function(retries=0, on_failure=tell_of_failure)
async def fails_in_a_step(ctx: inngest.Context) -> Json:
    async def step() -> None:
        raise ValueError("heard from a step")

    await ctx.step.run("failing", step)


@function(
    trigger=inngest.TriggerEvent(
        event="inngest/function.finished", expression=f"event.data.function_id == '{client.app_id}-echoes'"
    )
)
async def hears_finished(ctx: inngest.Context) -> Json:
    done(ctx, "finished")
    return ctx.event.data


@function(
    trigger=inngest.TriggerEvent(
        event="inngest/function.cancelled", expression=f"event.data.function_id == '{client.app_id}-stoppable'"
    )
)
async def hears_cancelled(ctx: inngest.Context) -> Json:
    done(ctx, "cancelled")
    return ctx.event.data
