"""Whether memory stays flat: the same load for long, and a look at every process at its start, middle and end."""

from collections.abc import Mapping

from bench import ours
from bench.memory import memory_of
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage

_CHUNK = 2_000


def soak(stage: Stage, sizes: Sizes, database: Database) -> dict[str, Mapping[str, float]]:
    """MiB by process after 10, 50 and 100 percent of the runs. Caches and pools fill in the first tenth."""
    samples: dict[str, Mapping[str, float]] = {}
    marks = {sizes.soak_runs // 10: "10%", sizes.soak_runs // 2: "50%", sizes.soak_runs: "100%"}
    done = 0
    while done < sizes.soak_runs:
        runs = min(_CHUNK, min(mark for mark in marks if mark > done) - done)
        rate = ours.one_step(stage, runs, database, ours.BATCH)
        done += runs
        print(f"  {done:,} of {sizes.soak_runs:,} runs, {rate:,.0f}/s", flush=True)
        if done in marks:
            samples[f"{done:,} runs"] = memory_of(stage)
    return samples
