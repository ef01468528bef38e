"""Workers and the runner die by kill -9 in the middle of everything: runs end, and results take effect once."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.sdk.harness import App, Json, SdkServer, steps_of
from tests.waiting import wait_for

FUNCTIONS = ("killed_in_a_step", "killed_in_parallel", "killed_asleep", "killed_invoking")
_TOLD = "SELECT step_id, kind FROM state_history WHERE run_id = %s AND kind IN ('step.completed', 'run.completed')"
HELD = ("in a step", "in parallel", "invoked")


@pytest.fixture
def places(dev: SdkServer, fastapi: App) -> Iterator[dict[str, str]]:
    """The events of runs that are, each, at the place where they are to be surprised."""
    invoked = fastapi.effects().count("invoked")
    for what in HELD:
        fastapi.hold(what)
    ids = dev.send([{"name": f"test/{name}", "data": {}} for name in FUNCTIONS])
    events = dict(zip(FUNCTIONS, ids, strict=True))
    started = {name: dev.started(event) for name, event in events.items()}
    fastapi.wait_held("in a step", run_id=started["killed_in_a_step"])
    fastapi.wait_held("in parallel", times=4, run_id=started["killed_in_parallel"])
    wait_for(lambda: has_come_to(dev, started["killed_asleep"], "Sleep"), "the run sleeps")
    wait_for(lambda: has_come_to(dev, started["killed_invoking"], "InvokeFunction"), "the run has invoked")
    fastapi.wait_held("invoked", times=invoked + 1)
    try:
        yield events
    finally:
        fastapi.release()
        for worker in [one for one in dev.own.started if one.has_ended]:
            dev.wait_working(dev.own.start_again(worker))


def has_come_to(dev: SdkServer, run: str, op: str) -> bool:
    return any(step["op"] == op for step in steps_of(dev.run(run)))


def assert_ended_well(dev: SdkServer, fastapi: App, events: dict[str, str], most: int) -> None:
    """Every run has its output; a step's code was executed again, at most so often, only where it was interrupted."""
    ended: dict[str, Json] = {name: dev.completed(event, seconds=90) for name, event in events.items()}
    outputs = {name: run["output"] for name, run in ended.items()}
    assert outputs == {
        "killed_in_a_step": ["one", "in a step", "three"],
        "killed_in_parallel": list(range(8)),
        "killed_asleep": ["before", "after"],
        "killed_invoking": ["before", "invoked"],
    }
    executed = {name: Counter(fastapi.effects(run["run_id"])) for name, run in ended.items()}
    assert executed["killed_in_a_step"] == {
        "one": 1,
        "in a step": executed["killed_in_a_step"]["in a step"],
        "three": 1,
    }
    assert executed["killed_asleep"] == {"before": 1, "after": 1}
    assert executed["killed_invoking"] == {"before": 1}
    assert 1 <= executed["killed_in_a_step"]["in a step"] <= most
    for number in range(8):
        # The even ones had ended; a few of them may just not have been recorded.
        assert 1 <= executed["killed_in_parallel"][f"branch {number}"] <= most
    for run in ended.values():
        steps = steps_of(run)
        assert {step["status"] for step in steps} == {"Completed"}
        told = Counter(dev.rows(_TOLD, run["run_id"]))
        assert told == Counter([(step["id"], "step.completed") for step in steps] + [(None, "run.completed")])


def test_runs_end_though_every_step_worker_is_killed(dev: SdkServer, fastapi: App, places: dict[str, str]) -> None:
    for worker in list(dev.own.started):
        worker.kill()
    fastapi.release()
    for worker in list(dev.own.started):
        dev.own.start_again(worker)
    assert_ended_well(dev, fastapi, places, most=2)


def test_runs_end_though_one_of_the_workers_is_killed_and_another_goes_on(
    dev: SdkServer, fastapi: App, places: dict[str, str]
) -> None:
    dev.own.started[0].kill()
    fastapi.release()
    assert_ended_well(dev, fastapi, places, most=2)


def test_runs_end_though_the_runner_is_killed(dev: SdkServer, fastapi: App, places: dict[str, str]) -> None:
    dev.chores.kill()
    fastapi.release()
    dev.chores = dev.fleet.start_again(dev.chores)
    dev.wait_working(dev.chores)
    assert_ended_well(dev, fastapi, places, most=1)
