"""What the server does with the functions of an SDK's app: each of their steps is a call of the function."""

import json
import urllib.request

from bench.functions import SDK_CALL, SDK_ONE_STEP, SDK_STEPS, SDK_TEN_STEPS, STEPS, event_of
from bench.options import Sizes
from bench.ours import BATCH, Database, p50_and_p99, paced, steps_per_second
from bench.stage import Stage
from bench.watching import Watch, ask_app

_PATIENCE_SECONDS = 30.0


def runs(stage: Stage, sizes: Sizes, database: Database, function: str = SDK_CALL) -> float:
    """Runs completed a second, events POSTed 100 at a time: from the first POST to nothing left in the queue."""
    return steps_per_second(stage, database, function, sizes.sdk_runs, BATCH) / STEPS[function]


def one_step(stage: Stage, sizes: Sizes, database: Database) -> float:
    """The same, of runs of one step: two calls each."""
    return runs(stage, sizes, database, SDK_ONE_STEP)


def ten_steps(stage: Stage, sizes: Sizes, database: Database) -> float:
    """Steps completed a second, ten in each run one after another, eleven calls, all runs posted at once."""
    calls = steps_per_second(stage, database, SDK_TEN_STEPS, sizes.ten_step_runs, BATCH)
    return calls * SDK_STEPS[SDK_TEN_STEPS] / STEPS[SDK_TEN_STEPS]


def first_calls(stage: Stage, sizes: Sizes, database: Database) -> tuple[float, float]:
    """p50 and p99 in ms, from just before the POST is sent to the function's first call reaching the app."""
    ask_app(stage, "sdk/times")
    watch = Watch(stage, database)
    count = sizes.latency_events
    sent = paced(stage, event_of(SDK_CALL), count)
    watch.wait_calls(count)
    watch.check(count, {SDK_CALL: count}, calls=count)
    arrived = {run["n"]: run["arrived"][0] for run in json.loads(ask_app(stage, "sdk/times"))}
    return p50_and_p99([(arrived[n] - at) / 1e6 for n, at in enumerate(sent)])


def between_steps(stage: Stage, sizes: Sizes, database: Database) -> tuple[float, float]:
    """p50 and p99 in ms, from the app's answer with a step's result to the next call reaching it; one run at a time."""
    ask_app(stage, "sdk/times")
    watch = Watch(stage, database)
    count, calls = sizes.sdk_lone_runs, STEPS[SDK_TEN_STEPS]
    for n in range(count):
        _post(stage, event_of(SDK_TEN_STEPS), n)
        watch.wait_calls(calls * (n + 1))
        watch.wait_idle()
    watch.check(count, {SDK_TEN_STEPS: count}, calls=count * calls)
    took: list[float] = []
    for run in json.loads(ask_app(stage, "sdk/times")):
        pairs = zip(run["answered"][:-1], run["arrived"][1:], strict=True)
        took += [(arrived - answered) / 1e6 for answered, arrived in pairs]
    return p50_and_p99(took)


def _post(stage: Stage, event: str, n: int) -> None:
    body = json.dumps({"name": event, "data": {"n": n}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{stage.port}/e/bench", body)
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as response:
        response.read()
