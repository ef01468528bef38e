"""Steps: their values, their ids, their limits; and what a function is told."""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import inngest

from tests.sdk.python_app.functions.making import TOPIC, Json, client, done, function


@function()
async def memoised(ctx: inngest.Context) -> Json:
    async def draw() -> str:
        done(ctx, "draw")
        return str(uuid.uuid4())

    done(ctx, "call")
    return [await ctx.step.run("number", draw) for _ in range(3)]


@function()
async def returns_nothing(ctx: inngest.Context) -> None:
    async def nothing() -> None:
        done(ctx, "nothing")

    await ctx.step.run("nothing", nothing)


@function()
async def without_steps(ctx: inngest.Context) -> Json:
    return {"got": ctx.event.data}


@function()
async def sleeps(ctx: inngest.Context) -> Json:
    async def now() -> float:
        return time.time()

    before = await ctx.step.run("before", now)
    await ctx.step.sleep("nap", timedelta(seconds=0.7))
    between = await ctx.step.run("between", now)
    await ctx.step.sleep_until("until", datetime.fromtimestamp(between, UTC) + timedelta(seconds=0.7))
    after = await ctx.step.run("after", now)
    await ctx.step.sleep_until("past", datetime.fromtimestamp(0, UTC))
    return [between - before, after - between]


@function()
async def waits(ctx: inngest.Context) -> Json:
    answer = await ctx.step.wait_for_event(
        "answer", event=f"{TOPIC}/answer", if_exp="async.data.n == event.data.n", timeout=timedelta(minutes=5)
    )
    return None if answer is None else {"name": answer.name, "data": answer.data}


@function()
async def waits_in_vain(ctx: inngest.Context) -> Json:
    answer = await ctx.step.wait_for_event("never", event="test/never", timeout=timedelta(seconds=1))
    return answer is None


@function()
async def answers_itself(ctx: inngest.Context) -> Json:
    """The answer is sent, and consumed, while the call that begins to wait for it still runs."""
    if done(ctx, "call") == 1:
        await client.send(inngest.Event(name="test/own-answer", data={"run": ctx.run_id}))
        await asyncio.sleep(0.5)
    expression = f"async.data.run == '{ctx.run_id}'"
    wait = timedelta(seconds=5)
    answer = await ctx.step.wait_for_event("answer", event="test/own-answer", if_exp=expression, timeout=wait)
    return answer is not None


@function()
async def odd_ids(ctx: inngest.Context) -> Json:
    async def show(what: str) -> str:
        done(ctx, what)
        return what

    names = ["step", "", "schön ☃ 𝄞", "x" * 10_000, "again", "again", "a/b?c=d&e#f%20", "__proto__", " ", "line\nbreak"]
    return [await ctx.step.run(name, show, f"{number}") for number, name in enumerate(names)]


@function(retries=1)
async def colliding_ids(ctx: inngest.Context) -> Json:
    """The second `a` is `a:1` to the SDK, and so is the first `a:1`."""

    async def show(what: str) -> str:
        return what

    return [await ctx.step.run(name, show, name) for name in ("a", "a", "a:1")]


@function(retries=1)
async def nested(ctx: inngest.Context) -> Json:
    async def outer() -> Json:
        return await ctx.step.run("inner", inner)

    async def inner() -> Json:
        return 1

    return await ctx.step.run("outer", outer)


@function()
async def large(ctx: inngest.Context) -> Json:
    """Its state grows past what is sent with a call."""

    async def letters(letter: str) -> str:
        done(ctx, letter)
        return letter * 1_000_000

    texts = [await ctx.step.run(letter, letters, letter) for letter in "ab"]
    await ctx.step.sleep("nap", 100)
    return {"lengths": [len(text) for text in texts], "firsts": [text[0] for text in texts], "data": ctx.event.data}


@function(retries=0)
async def too_large(ctx: inngest.Context) -> Json:
    async def letters() -> str:
        return "x" * 2_500_000

    return len(await ctx.step.run("letters", letters))


@function()
async def echoes(ctx: inngest.Context) -> Json:
    async def same() -> Json:
        return ctx.event.data

    return {"body": ctx.event.data, "step": await ctx.step.run("same", same), "events": len(ctx.events)}


@function()
async def tells(ctx: inngest.Context) -> Json:
    event = ctx.event
    return {
        "attempt": ctx.attempt,
        "run_id": ctx.run_id,
        "event": {"id": event.id, "name": event.name, "ts": event.ts, "data": event.data},
        "events": [one.id for one in ctx.events],
        "job_id": ctx.job_id,
        "request_id": ctx.request_id,
    }


@function(retries=0)
async def not_a_number(ctx: inngest.Context) -> Json:
    """Python writes it down as NaN, which is not JSON."""
    return {"number": float("nan")}


class Wraps(inngest.Middleware):
    """Puts each output into an object, and takes it out again before the function sees it."""

    async def transform_output(self, result: inngest.TransformOutputResult) -> None:
        if result.has_output() and result.output is not None:
            result.output = {"wrapped": result.output}


@function(middleware=[Wraps])
async def wraps(ctx: inngest.Context) -> Json:
    async def one() -> int:
        return 1

    return await ctx.step.run("one", one)
