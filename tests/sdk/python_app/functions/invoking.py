"""Functions that call other functions and send events."""

from datetime import timedelta

import inngest

from tests.sdk.python_app.functions.making import TOPIC, Json, function


@function()
async def adds(ctx: inngest.Context) -> Json:
    data: Json = ctx.event.data
    return {"sum": data["a"] + data["b"], "event": ctx.event.name}


@function()
async def invokes(ctx: inngest.Context) -> Json:
    return await ctx.step.invoke("add", function=adds, data={"a": 1, "b": 2})


@function()
async def invokes_elsewhere(ctx: inngest.Context) -> Json:
    return await ctx.step.invoke_by_id("add", app_id="flask", function_id="adds", data={"a": 3, "b": 4})


@function(retries=0)
async def fails_plainly(ctx: inngest.Context) -> Json:
    raise ValueError(f"no, not {ctx.event.data.get('what')}")


@function()
async def invokes_failing(ctx: inngest.Context) -> Json:
    try:
        return await ctx.step.invoke("fail", function=fails_plainly, data={"what": "that"})
    except inngest.StepError as error:
        return {"name": error.name, "message": error.message}


@function()
async def invokes_missing(ctx: inngest.Context) -> Json:
    try:
        return await ctx.step.invoke_by_id("missing", function_id="there-is-no-such-function")
    except inngest.StepError as error:
        return {"name": error.name, "message": error.message}


@function()
async def sleeps_long(ctx: inngest.Context) -> Json:
    await ctx.step.sleep("long", timedelta(hours=1))


@function()
async def invokes_slow(ctx: inngest.Context) -> Json:
    try:
        return await ctx.step.invoke("slow", function=sleeps_long, timeout=timedelta(seconds=1))
    except inngest.StepError as error:
        return {"name": error.name, "message": error.message}


@function()
async def sends(ctx: inngest.Context) -> Json:
    events = [inngest.Event(name=f"{TOPIC}/sent", data={"n": n, "by": ctx.run_id}) for n in range(2)]
    return await ctx.step.send_event("send", events)


@function(trigger=inngest.TriggerEvent(event=f"{TOPIC}/sent"))
async def receives(ctx: inngest.Context) -> Json:
    return ctx.event.data
