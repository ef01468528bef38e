"""One-step runs while somebody holds a snapshot open: nothing that dies meanwhile can be vacuumed away."""

import psycopg

from bench import ours
from bench.measures import Rounds
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage


def with_snapshot_held(stage: Stage, sizes: Sizes, database: Database) -> Rounds:
    """Rounds before the snapshot, and as many while it is held; the dead rows grow from one to the next."""
    rounds: Rounds = {"one_step": [], "one_step_snapshot": []}
    for _ in range(sizes.snapshot_rounds):
        rounds["one_step"].append(ours.one_step(stage, sizes.one_step_runs, database, ours.BATCH))
    with psycopg.connect(stage.postgres.url) as holder:
        holder.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        holder.execute("SELECT count(*) FROM datastore_function")  # the snapshot is taken with the first statement
        for _ in range(sizes.snapshot_rounds):
            rounds["one_step_snapshot"].append(ours.one_step(stage, sizes.one_step_runs, database, ours.BATCH))
        holder.rollback()
    for key, values in rounds.items():
        print(f"  {key:<20}", "  ".join(f"{value:,.0f}" for value in values), "runs/s, round by round")
    return rounds
