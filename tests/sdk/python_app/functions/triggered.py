"""What starts a function, what cancels it, and what it may ask for when it is registered."""

from datetime import timedelta

import inngest

from tests.sdk.python_app.functions.making import TOPIC, Json, done, function


@function(cancel=[inngest.Cancel(event=f"{TOPIC}/stop", if_exp="event.data.id == async.data.id")])
async def stoppable(ctx: inngest.Context) -> Json:
    async def begin() -> None:
        done(ctx, "began")

    await ctx.step.run("begin", begin)
    await ctx.step.sleep("long", timedelta(hours=1))


@function(idempotency="event.data.key")
async def once(ctx: inngest.Context) -> Json:
    return ctx.event.data


@function(trigger=inngest.TriggerCron(cron="* * * * *"))
async def ticks(ctx: inngest.Context) -> Json:
    return {"event": ctx.event.name, "data": ctx.event.data}


@function(trigger=[inngest.TriggerEvent(event=f"{TOPIC}/this"), inngest.TriggerEvent(event=f"{TOPIC}/that")])
async def any_of(ctx: inngest.Context) -> Json:
    return ctx.event.name


@function(trigger=inngest.TriggerEvent(event=f"{TOPIC}/picky", expression="event.data.amount > 100"))
async def picky(ctx: inngest.Context) -> Json:
    return ctx.event.data


@function(
    concurrency=[inngest.Concurrency(limit=1, key="event.data.user")],
    priority=inngest.Priority(run="event.data.urgent ? 100 : 0"),
    debounce=inngest.Debounce(period=timedelta(seconds=1)),
    timeouts=inngest.Timeouts(finish=timedelta(hours=1)),
)
async def limited(ctx: inngest.Context) -> Json:
    return "ran"
