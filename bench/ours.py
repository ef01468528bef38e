"""What the server does on the same machine. Every measure waits for a quiet server first, and checks what was done."""

import json
from collections.abc import Sequence
from statistics import quantiles

import psycopg
from psycopg.rows import TupleRow

from bench.functions import LATENCY, NOTHING, ONE_STEP, SDK_STEPS, STEPS, TEN_STEPS, TYPESCRIPT, event_of
from bench.options import Sizes
from bench.stage import Stage
from bench.watching import Watch, ask_app

Database = psycopg.Connection[TupleRow]

BATCH = 100
_BATCH_CONNECTIONS = 8
_LATENCY_EVERY_SECONDS = 0.05


def single_posts(stage: Stage, sizes: Sizes, database: Database) -> float:
    """Events accepted a second, an event a POST, over 32 connections; the runner consumes meanwhile."""
    return _accepted(stage, database, sizes.single_posts, 1)


def batched_posts(stage: Stage, sizes: Sizes, database: Database) -> float:
    """Events accepted a second, 100 a POST, over 8 connections; the runner consumes meanwhile."""
    return _accepted(stage, database, sizes.batched_events, BATCH)


def one_step(stage: Stage, runs: int, database: Database, batch: int = 1) -> float:
    """Runs of one http step completed a second: from the first POST to nothing left in the queue."""
    return steps_per_second(stage, database, ONE_STEP, runs, batch) / STEPS[ONE_STEP]


def ten_steps(stage: Stage, sizes: Sizes, database: Database) -> float:
    """Steps completed a second, ten http steps one after another in each run, all runs posted at once."""
    return steps_per_second(stage, database, TEN_STEPS, sizes.ten_step_runs, BATCH)


def typescript(stage: Stage, sizes: Sizes, database: Database) -> float:
    """Runs of one TypeScript step completed a second: from the first POST to nothing left in the queue."""
    watch = Watch(stage, database)
    runs = sizes.typescript_runs
    began = _post(stage, event_of(TYPESCRIPT), runs, BATCH)["began"]
    took = watch.wait_idle(pause=0.02) - began
    watch.check(runs, {TYPESCRIPT: runs})
    return runs / took


def latencies(stage: Stage, sizes: Sizes, database: Database) -> tuple[float, float]:
    """p50 and p99 in ms, from just before the POST is sent to the http step's request reaching the app."""
    watch = Watch(stage, database)
    count = sizes.latency_events
    sent = paced(stage, event_of(LATENCY), count)
    watch.wait_calls(count)
    watch.check(count, {LATENCY: count}, calls=count)
    arrived = json.loads(ask_app(stage, "arrivals"))
    return p50_and_p99([(arrived[str(n)] - at) / 1e6 for n, at in enumerate(sent)])


def paced(stage: Stage, event: str, count: int) -> list[int]:
    """Send lone events, numbered by their `n`; when each was sent, in ns by CLOCK_MONOTONIC."""
    arguments = ("--port", stage.port, "--event", event, "--count", count, "--every", _LATENCY_EVERY_SECONDS)
    sent: list[int] = json.loads(stage.ask("bench.load", *arguments))["sent"]
    return sent


def p50_and_p99(values: Sequence[float]) -> tuple[float, float]:
    percentiles = quantiles(values, n=100, method="inclusive")
    return percentiles[49], percentiles[98]


def warm_up(stage: Stage, database: Database) -> None:
    """Until every process has loaded its versions, compiled its guest and prepared its statements."""
    of_sdk = [(function, 400 // STEPS[function]) for function in SDK_STEPS]
    for function, runs in ((ONE_STEP, 400), (TEN_STEPS, 20), (TYPESCRIPT, 20), *of_sdk):
        for _ in range(3):
            watch = Watch(stage, database)
            _post(stage, event_of(function), runs, BATCH)
            calls = 0 if function == TYPESCRIPT else runs * STEPS[function]
            watch.wait_calls(calls)
            watch.check(runs, {function: runs}, calls)
    ask_app(stage, "arrivals")


def _accepted(stage: Stage, database: Database, events: int, batch: int) -> float:
    watch = Watch(stage, database)
    sent = _post(stage, NOTHING, events, batch)
    watch.check(events, {})
    return events / (sent["ended"] - sent["began"])


def steps_per_second(stage: Stage, database: Database, function: str, runs: int, batch: int) -> float:
    """Steps of runs of the local app completed a second: from the first POST to nothing left in the queue."""
    watch = Watch(stage, database)
    steps = runs * STEPS[function]
    began = _post(stage, event_of(function), runs, batch)["began"]
    watch.wait_calls(steps)
    took = watch.wait_idle() - began
    watch.check(runs, {function: runs}, calls=steps)
    return steps / took


def _post(stage: Stage, event: str, count: int, batch: int) -> dict[str, float]:
    connections = 32 if batch == 1 else _BATCH_CONNECTIONS
    arguments: Sequence[object] = ("--port", stage.port, "--event", event, "--count", count)
    said = stage.ask("bench.load", *arguments, "--batch", batch, "--connections", connections)
    sent: dict[str, float] = json.loads(said)
    return sent
