import subprocess
import sys

import pytest

from drivers import registry


def test_asking_for_queues_imports_no_sandbox() -> None:
    code = """
import sys
from drivers.registry import queue_for
assert (queue_for("http"), queue_for("typescript")) == ("steps", "steps.cpu")
assert queue_for("wasm") == "steps.cpu" and queue_for("docker") == "steps.docker"
assert not {"wasmtime", "quickjs_rs", "docker", "django", "importlib.metadata"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_process_has_one_driver_of_a_runtime_until_it_closes_them() -> None:
    driver = registry.driver_for("http")
    assert registry.driver_for("http") is driver
    registry.close_drivers()
    assert registry.driver_for("http") is not driver
    registry.close_drivers()


def test_an_unknown_runtime_is_refused_with_those_that_there_are() -> None:
    supported = "use 'http' or 'typescript' or 'wasm' or 'docker'"
    for ask in (registry.queue_for, registry.driver_for):
        with pytest.raises(registry.UnsupportedRuntime, match=f"no runtime 'cobol'; {supported}"):
            ask("cobol")


def test_a_runtime_that_is_gone_still_gets_its_files_so_that_its_step_fails_by_name() -> None:
    assert registry.needs_files("cobol")


@pytest.mark.parametrize("runtime", ["sdk", "gateway"])
def test_what_an_sdk_asks_for_has_drivers_that_no_message_offers(runtime: str) -> None:
    assert registry.queue_for(runtime) == registry.driver_for(runtime).queue == "steps"
    registry.close_drivers()
    with pytest.raises(registry.UnsupportedRuntime) as refused:
        registry.queue_for("cobol")
    assert runtime not in str(refused.value)


def test_only_code_that_we_run_needs_files() -> None:
    runtimes = ("http", "typescript", "wasm", "docker", "sdk", "gateway")
    assert [runtime for runtime in runtimes if registry.needs_files(runtime)] == ["typescript", "wasm", "docker"]
