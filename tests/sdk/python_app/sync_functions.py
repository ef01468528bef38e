"""Functions as people write them for Flask and Django: without async, triggered by `<app>/<its id>`."""

import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from tests.sdk.python_app.record import effect

Json = Any
Handler = Callable[[inngest.ContextSync], Any]

client = inngest.Inngest(app_id=os.environ.get("APP_ID", "flask"))
functions: list[inngest.Function[Any]] = []


def function(**options: Any) -> Callable[[Handler], inngest.Function[Any]]:
    """`client.create_function` with the function's own name as its id and its event."""

    def decorate(handler: Handler) -> inngest.Function[Any]:
        name = handler.__name__
        trigger = inngest.TriggerEvent(event=f"{client.app_id}/{name}")
        made = client.create_function(fn_id=name, trigger=trigger, **options)(handler)
        functions.append(made)
        return made

    return decorate


def done(ctx: inngest.ContextSync, what: str) -> int:
    return effect(ctx.run_id, what)


@function()
def memoised(ctx: inngest.ContextSync) -> Json:
    def draw() -> str:
        done(ctx, "draw")
        return str(uuid.uuid4())

    return [ctx.step.run("number", draw) for _ in range(3)]


@function()
def sleeps(ctx: inngest.ContextSync) -> Json:
    ctx.step.sleep("nap", 300)
    return "awake"


@function()
def waits(ctx: inngest.ContextSync) -> Json:
    match = "async.data.n == event.data.n"
    answer = ctx.step.wait_for_event("answer", event="test/answer", if_exp=match, timeout=timedelta(minutes=1))
    return answer is not None and answer.data


@function()
def adds(ctx: inngest.ContextSync) -> Json:
    data: Json = ctx.event.data
    return {"sum": data["a"] + data["b"], "app": client.app_id}


@function()
def invokes(ctx: inngest.ContextSync) -> Json:
    return ctx.step.invoke("add", function=adds, data={"a": 1, "b": 2})


@function()
def sends(ctx: inngest.ContextSync) -> Json:
    return ctx.step.send_event("send", inngest.Event(name=f"{client.app_id}/adds", data={"a": 5, "b": 6}))


@function()
def fans(ctx: inngest.ContextSync) -> Json:
    def branch(number: int) -> int:
        done(ctx, f"branch {number}")
        return number

    return list(ctx.group.parallel(tuple(partial(ctx.step.run, f"branch {n}", branch, n) for n in range(5))))


@function(retries=2)
def catches(ctx: inngest.ContextSync) -> Json:
    def step() -> None:
        done(ctx, "try")
        raise ValueError("again and again")

    try:
        ctx.step.run("failing", step)
    except inngest.StepError as error:
        return error.message


@function(retries=1)
def breaks(ctx: inngest.ContextSync) -> Json:
    done(ctx, "try")
    raise RuntimeError("outside of steps")


def tell_of_failure(ctx: inngest.ContextSync) -> Json:
    done(ctx, "told")
    return ctx.event.data


@function(retries=0, on_failure=tell_of_failure)
def fails_loudly(ctx: inngest.ContextSync) -> Json:
    raise inngest.NonRetriableError("heard by all")
