"""`python -m bench`: see docs/performance.md."""

import argparse
import sys
from pathlib import Path

import psycopg

from bench import machine, report
from bench.backlog import make_backlog
from bench.cost import cost_of_a_run
from bench.failing import BenchFailed
from bench.found import Found
from bench.measures import MEASURES, run_rounds
from bench.memory import memory_of
from bench.options import FULL, QUICK, Sizes
from bench.ours import Database, warm_up
from bench.profiling import profiled
from bench.snapshot import with_snapshot_held
from bench.soak import soak
from bench.stage import Stage, staged
from bench.waits_and_timers import WAITS_AND_TIMERS


def main() -> None:
    options = _parser().parse_args()
    sizes = QUICK if options.quick else FULL
    if options.rounds:
        sizes = sizes.with_rounds(options.rounds)
    warning = machine.load_warning()
    with staged() as stage, psycopg.connect(stage.postgres.url, autocommit=True) as database:
        found = Found(machine.describe(stage, database))
        warm_up(stage, database)
        found.memory["warmed up"] = memory_of(stage)
        with profiled(stage, options.profile):
            if options.soak:
                found.memory |= soak(stage, sizes, database)
            elif options.snapshot:
                found.rounds = with_snapshot_held(stage, sizes, database)
            else:
                _measure(found, stage, sizes, database, options)
    report.show(found)
    if warning:
        print(f"\n{warning}")
    if options.json:
        report.write_json(options.json, sizes, found)


def _measure(found: Found, stage: Stage, sizes: Sizes, database: Database, options: argparse.Namespace) -> None:
    found.rounds = run_rounds(stage, sizes, database, options.only)
    if not options.only:
        found.cost = cost_of_a_run(stage, sizes, database)
    # Last, because they leave a million rows behind.
    for name, measure in WAITS_AND_TIMERS.items():
        if not options.only or name in options.only:
            found.rounds |= measure(stage, sizes, database)
    found.memory["at the end"] = memory_of(stage)
    if options.loaded:
        make_backlog(database, sizes.backlog)
        found.loaded = run_rounds(stage, sizes, database, options.only)
        found.memory["loaded"] = memory_of(stage)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the server beside the bare machine.")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works; the figures mean nothing")
    names = [*MEASURES, *WAITS_AND_TIMERS]
    parser.add_argument("--only", action="append", default=[], choices=names, help="may be given repeatedly")
    parser.add_argument("--rounds", type=int, help="how often each is measured (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to FILE")
    parser.add_argument("--profile", type=Path, metavar="DIR", help="have py-spy record every process into DIR")
    another = parser.add_mutually_exclusive_group()
    another.add_argument("--loaded", action="store_true", help="and again with a million items and a million runs")
    another.add_argument("--soak", action="store_true", help="instead: memory over 100,000 runs")
    another.add_argument("--snapshot", action="store_true", help="instead: one-step runs with a long snapshot open")
    return parser


if __name__ == "__main__":
    try:
        main()
    except BenchFailed as failure:
        sys.exit(f"The bench failed: {failure}")
