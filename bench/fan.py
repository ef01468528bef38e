"""One event that starts many functions, each by an expression of its own."""

import json
import subprocess

from apps.devserver import fleet
from bench import functions
from bench.ours import Database
from bench.stage import Stage
from bench.watching import Watch


def deploy_fan(stage: Stage, size: int) -> None:
    """Make the functions live, beside the others."""
    folder = stage.folder / "functions"
    functions.write_fan(folder, stage.app_port, size)
    with stage.log_of("fan").open("wb") as log:
        prepare = fleet.manage("dev_prepare", str(folder))
        subprocess.run(prepare, env=stage.environment, stdout=log, stderr=log, check=True)


def started(stage: Stage, size: int, database: Database) -> float:
    """Seconds from the POST of one event until all its runs, one a function, have ended."""
    watch = Watch(stage, database)
    arguments = ("--port", stage.port, "--event", functions.FANNED, "--count", 1, "--every", 0.01)
    began = json.loads(stage.ask("bench.load", *arguments))["began"]
    watch.wait_calls(size)
    took = watch.wait_idle() - float(began)
    watch.check(1, {f"{functions.FAN}-{number}": 1 for number in range(size)}, calls=size)
    return took
