"""What a call costs in each driver: the first on a machine, the first of a process, and one after another.

Each is measured in a process of its own, without the server: what the server adds is in the other figures.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from statistics import median
from typing import Any

from bench.driver_calls import BUSYBOX
from bench.failing import BenchFailed
from bench.options import Sizes
from bench.ours import Database
from bench.stage import Stage

RUNTIMES = ("http", "typescript", "wasm", "docker")


def driver_costs(stage: Stage, sizes: Sizes, database: Database) -> dict[str, float]:
    """ms by figure. Docker's are missing where there is no engine, or no static busybox to make an image of."""
    found: dict[str, float] = {}
    for runtime in RUNTIMES:
        if runtime == "docker" and _missing_for_docker():
            continue
        calls = sizes.container_calls if runtime == "docker" else sizes.driver_calls
        with tempfile.TemporaryDirectory(prefix="inngest-bench-") as cache:
            on_machine = _measure(runtime, calls, stage.app_port, cache)
            of_process = _measure(runtime, calls, stage.app_port, cache)
        found[f"{runtime}_cold"] = on_machine["first"]
        found[f"{runtime}_first"] = of_process["first"]
        found[f"{runtime}_warm"] = median(of_process["calls"])
        if of_process["bare"]:
            found[f"{runtime}_bare"] = median(of_process["bare"])
    return found


def _measure(runtime: str, calls: int, port: int, cache: str) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "bench.driver_calls", runtime, str(calls), str(port)]
    environment = os.environ | {"INNGEST_CACHE_DIR": cache}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise BenchFailed(f"{runtime}: {ran.stderr.strip()}")
    measured: Mapping[str, Any] = json.loads(ran.stdout)
    return measured


def _missing_for_docker() -> bool:
    from drivers.docker_engine import engine_fault

    return engine_fault() is not None or not BUSYBOX.exists()
