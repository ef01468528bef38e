"""The measures by name, in the order of a round: bare and ours take turns, so that drift hits both."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from bench import bare, ours, sdk
from bench.drivers import driver_costs
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage

Measured = Mapping[str, float]


class Figure(NamedTuple):
    """A line of the table."""

    key: str
    title: str
    unit: str
    more_is_better: bool = True


FIGURES = (
    Figure("noops_meanwhile", "Celery no-ops, published meanwhile (bare)", "/s"),
    Figure("noops_from_backlog", "Celery no-ops, from a backlog (bare)", "/s"),
    Figure("commits", "commits of one row, pgbench, 32 connections (bare)", "/s"),
    Figure("single_posts", "events accepted, single POSTs, 32 connections", "/s"),
    Figure("batched_posts", "events accepted, 100 a POST", "/s"),
    Figure("one_step", "one-step runs, events POSTed 100 at a time", "/s"),
    Figure("one_step_singles", "one-step runs, events POSTed one by one", "/s"),
    Figure("one_step_snapshot", "one-step runs, 100 at a time, a snapshot held open", "/s"),
    Figure("ten_steps", "steps of ten-step runs", "/s"),
    Figure("typescript", "runs of a TypeScript step", "/s"),
    Figure("latency_p50", "POST to the step's first instruction, p50", "ms", more_is_better=False),
    Figure("latency_p99", "POST to the step's first instruction, p99", "ms", more_is_better=False),
    Figure("sdk_call", "SDK runs of one call, events POSTed 100 at a time", "/s"),
    Figure("sdk_one_step", "SDK runs of one step (two calls), 100 at a time", "/s"),
    Figure("sdk_ten_steps", "SDK steps, 100 runs of ten", "/s"),
    Figure("sdk_latency_p50", "POST to the SDK function's first call, p50", "ms", more_is_better=False),
    Figure("sdk_latency_p99", "POST to the SDK function's first call, p99", "ms", more_is_better=False),
    Figure("sdk_between_p50", "between two steps of an SDK function, p50", "ms", more_is_better=False),
    Figure("sdk_between_p99", "between two steps of an SDK function, p99", "ms", more_is_better=False),
    Figure("http_warm", "a call of an http step, in the driver", "ms", more_is_better=False),
    Figure("http_bare", "the same with http.client (bare)", "ms", more_is_better=False),
    Figure("typescript_cold", "a TypeScript step, the first on a machine", "ms", more_is_better=False),
    Figure("typescript_first", "the first of a process", "ms", more_is_better=False),
    Figure("typescript_warm", "and any other", "ms", more_is_better=False),
    Figure("wasm_cold", "a WebAssembly step, the first on a machine", "ms", more_is_better=False),
    Figure("wasm_first", "the first of a process", "ms", more_is_better=False),
    Figure("wasm_warm", "and any other", "ms", more_is_better=False),
    Figure("wasm_bare", "the same with wasmtime alone (bare)", "ms", more_is_better=False),
    Figure("docker_cold", "a docker step, with its image to be built", "ms", more_is_better=False),
    Figure("docker_first", "the first of a process", "ms", more_is_better=False),
    Figure("docker_warm", "and any other", "ms", more_is_better=False),
    Figure("docker_bare", "the same by Docker's SDK alone (bare)", "ms", more_is_better=False),
    Figure("fan", "one event that starts 1,000 functions by expressions, all ended", "s", more_is_better=False),
    Figure("few_waits_p50", "event to the next step, one of 1,000 waits, p50", "ms", more_is_better=False),
    Figure("few_waits_p99", "event to the next step, one of 1,000 waits, p99", "ms", more_is_better=False),
    Figure("many_waits_p50", "event to the next step, one of 1,000,000 waits, p50", "ms", more_is_better=False),
    Figure("many_waits_p99", "event to the next step, one of 1,000,000 waits, p99", "ms", more_is_better=False),
    Figure("timers", "100,000 timers due in one second, the last has run after", "s", more_is_better=False),
)


def _noop(stage: Stage, sizes: Sizes, database: Database) -> Measured:
    return {
        "noops_meanwhile": bare.noops_meanwhile(stage, sizes),
        "noops_from_backlog": bare.noops_from_backlog(stage, sizes),
    }


def _one_step(stage: Stage, sizes: Sizes, database: Database) -> Measured:
    return {
        "one_step": ours.one_step(stage, sizes.one_step_runs, database, ours.BATCH),
        "one_step_singles": ours.one_step(stage, sizes.one_step_runs, database),
    }


def _posts(stage: Stage, sizes: Sizes, database: Database) -> Measured:
    return {
        "single_posts": ours.single_posts(stage, sizes, database),
        "batched_posts": ours.batched_posts(stage, sizes, database),
    }


def _latency(stage: Stage, sizes: Sizes, database: Database) -> Measured:
    return dict(zip(("latency_p50", "latency_p99"), ours.latencies(stage, sizes, database), strict=True))


def _sdk_runs(stage: Stage, sizes: Sizes, database: Database) -> Measured:
    return {
        "sdk_call": sdk.runs(stage, sizes, database),
        "sdk_one_step": sdk.one_step(stage, sizes, database),
        "sdk_ten_steps": sdk.ten_steps(stage, sizes, database),
    }


def _sdk_latency(stage: Stage, sizes: Sizes, database: Database) -> Measured:
    first, between = sdk.first_calls(stage, sizes, database), sdk.between_steps(stage, sizes, database)
    keys = ("sdk_latency_p50", "sdk_latency_p99", "sdk_between_p50", "sdk_between_p99")
    return dict(zip(keys, (*first, *between), strict=True))


MEASURES: Mapping[str, Callable[[Stage, Sizes, Database], Measured]] = {
    "noop": _noop,
    "one-step": _one_step,
    "ten-steps": lambda *of: {"ten_steps": ours.ten_steps(*of)},
    "commits": lambda *of: {"commits": bare.commits(*of)},
    "posts": _posts,
    "typescript": lambda *of: {"typescript": ours.typescript(*of)},
    "latency": _latency,
    "sdk-runs": _sdk_runs,
    "sdk-latency": _sdk_latency,
    "drivers": driver_costs,
}

Rounds = dict[str, list[float]]


def run_rounds(stage: Stage, sizes: Sizes, database: Database, only: Collection[str]) -> Rounds:
    """Each measure once a round; what it was each time, by figure."""
    rounds: Rounds = {}
    for turn in range(sizes.rounds):
        for name, measure in MEASURES.items():
            if only and name not in only:
                continue
            print(f"  round {turn + 1} of {sizes.rounds}: {name:<12}", end="", flush=True)
            for key, value in measure(stage, sizes, database).items():
                rounds.setdefault(key, []).append(value)
                print(f"  {key} {value:,.1f}", end="", flush=True)
            print()
    return rounds
