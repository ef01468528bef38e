"""How much is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Sizes:
    """The amount of work in each measure."""

    rounds: int = 3
    noops: int = 5_000
    commit_seconds: int = 5
    single_posts: int = 10_000
    batched_events: int = 50_000
    one_step_runs: int = 2_000
    ten_step_runs: int = 100
    typescript_runs: int = 200
    latency_events: int = 400
    sdk_runs: int = 1_000
    sdk_lone_runs: int = 40
    driver_calls: int = 300
    container_calls: int = 20
    backlog: int = 1_000_000
    soak_runs: int = 100_000
    snapshot_rounds: int = 5
    few_waits: int = 1_000
    many_waits: int = 1_000_000
    timers: int = 100_000
    fan: int = 1_000

    def with_rounds(self, rounds: int) -> "Sizes":
        return replace(self, rounds=rounds)


FULL = Sizes()
QUICK = Sizes(
    rounds=1,
    noops=500,
    commit_seconds=1,
    single_posts=1_000,
    batched_events=5_000,
    one_step_runs=300,
    ten_step_runs=20,
    typescript_runs=30,
    latency_events=40,
    sdk_runs=100,
    sdk_lone_runs=4,
    driver_calls=20,
    container_calls=3,
    backlog=20_000,
    soak_runs=3_000,
    snapshot_rounds=2,
    few_waits=100,
    many_waits=5_000,
    timers=1_000,
    fan=50,
)
"""Whether it works; the figures mean nothing."""
