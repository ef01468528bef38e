"""Workers die by kill -9 at every point of a step's way: nothing is lost, no result is recorded twice."""

import pytest

from tests.acceptance.server import Server
from tests.acceptance.whole import assert_everything_ran, history
from tests.waiting import wait_for


def test_a_worker_killed_in_the_middle_of_a_step_loses_nothing(server: Server) -> None:
    hold = server.app.hold("second")
    [first] = server.workers("first")
    accepted = server.post("chain", 3)
    hold.wait_arrived()
    first.kill()
    hold.release()
    server.workers("next")
    assert_everything_ran(server, {"chain": accepted})
    assert history(server, "step.returned")


@pytest.mark.parametrize(
    ("point", "calls"), [("claimed", 1), ("called", 2)], ids=["between claim and call", "between call and commit"]
)
def test_a_worker_that_dies_loses_nothing(server: Server, point: str, calls: int) -> None:
    [doomed] = server.workers("doomed", INNGEST_FAULT=point)
    accepted = server.post("graph")
    doomed.wait_ended()
    server.workers("next")
    assert_everything_ran(server, {"graph": accepted})
    assert server.app.calls_of("root") == calls
    assert server.app.calls_of("leaf") == 1
    assert history(server, "step.returned") == ["its worker was gone (1 of 5)"]


def test_a_step_whose_worker_dies_five_times_fails(server: Server) -> None:
    doomed = server.workers(*(f"doomed-{number}" for number in range(5)), INNGEST_FAULT="claimed")
    accepted = server.post("one")
    assert_everything_ran(server, {"one": accepted}, status="failed", seconds=60)
    assert all(worker.has_ended for worker in doomed)
    assert server.app.calls_of("only") == 0
    assert len(history(server, "step.returned")) == 4
    [why] = history(server, "step.failed")
    assert "its worker died" in why


def test_workers_killed_again_and_again_under_load_lose_nothing(server: Server) -> None:
    server.app.fail_first("left")
    workers = server.workers("one", "two")
    accepted = [internal_id for _ in range(4) for internal_id in server.post("graph", 100)]
    completed = "SELECT count(*) FROM state_step WHERE status = 'completed'"
    for number in range(4):
        before = server.number(completed)
        wait_for(lambda before=before: server.number(completed) > before, "steps go on")  # type: ignore[misc]
        victim = workers[number % 2]
        victim.kill()
        workers[number % 2] = server.own.start_again(victim)
    assert_everything_ran(server, {"graph": accepted}, seconds=60)
