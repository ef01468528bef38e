"""What is measured once, after the rounds: it takes long to prepare, and leaves much behind."""

from collections.abc import Callable, Mapping

from bench import fan, timers, waiting
from bench.measures import Rounds
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage


def _fan(stage: Stage, sizes: Sizes, database: Database) -> Rounds:
    fan.deploy_fan(stage, sizes.fan)
    took = [fan.started(stage, sizes.fan, database) for _ in range(sizes.rounds + 1)]
    print(f"  {sizes.fan:,} functions by one event  " + "  ".join(f"{seconds:.2f} s" for seconds in took))
    return {"fan": took[1:]}  # the first one reads and compiles all of them


def _timers(stage: Stage, sizes: Sizes, database: Database) -> Rounds:
    seconds = timers.due_at_once(stage, sizes.timers, database)
    print(f"  {sizes.timers:,} timers due in one second: the last has run after {seconds:.1f} s")
    return {"timers": [seconds]}


WAITS_AND_TIMERS: Mapping[str, Callable[[Stage, Sizes, Database], Rounds]] = {
    "fan": _fan,
    "timers": _timers,
    "waits": waiting.resumed,
}
