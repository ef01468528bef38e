"""Workers that stand still, that are told to stop, and whose run is cancelled under them."""

from signal import SIGTERM

from tests.acceptance.server import GRACE_SECONDS, LEASE_SECONDS, Server
from tests.acceptance.whole import assert_everything_ran, history
from tests.waiting import wait_for


def result_of(server: Server, step: str) -> str:
    """The output of a step of the only run."""
    [(output,)] = server.rows("SELECT output FROM state_step WHERE step_id = %s", step)
    return str(output)


def test_the_late_result_of_a_worker_that_stood_still_is_dropped_while_another_runs_the_step(server: Server) -> None:
    hold = server.app.hold("only")
    [frozen] = server.workers("frozen")
    accepted = server.post("one")
    hold.wait_arrived()
    frozen.freeze()
    held_again = server.app.hold("only")
    server.workers("other")
    held_again.wait_arrived()
    hold.release()
    frozen.thaw()
    # It ends when it has come back with its late result.
    frozen.terminate()
    assert not history(server, "step.completed")
    held_again.release()
    assert_everything_ran(server, {"one": accepted})
    assert '"call": 2' in result_of(server, "only")


def test_the_late_result_of_a_worker_that_stood_still_is_dropped_after_another_finished_the_step(
    server: Server,
) -> None:
    hold, held_next = server.app.hold("first"), server.app.hold("second")
    [frozen] = server.workers("frozen")
    accepted = server.post("chain")
    hold.wait_arrived()
    frozen.freeze()
    server.workers("other")
    # The other one has finished the step, and the run goes on.
    held_next.wait_arrived()
    hold.release()
    frozen.thaw()
    # It ends when it has come back with its late result.
    frozen.terminate()
    held_next.release()
    assert_everything_ran(server, {"chain": accepted})
    assert '"call": 2' in result_of(server, "first")
    assert server.app.calls_of("first") == 2
    assert server.app.calls_of("second") == 1
    assert history(server, "step.returned") == ["its worker was gone (1 of 5)"]


def test_a_worker_that_stood_still_goes_on_under_a_new_identity(server: Server) -> None:
    [frozen] = server.workers("frozen")
    before = server.identity_of(frozen)
    frozen.freeze()
    wait_for(lambda: server.identity_of(frozen) is None, "it is declared dead", LEASE_SECONDS + 10)
    frozen.thaw()
    assert_everything_ran(server, {"chain": server.post("chain", 3)})
    assert server.identity_of(frozen) != before


def test_a_worker_told_to_stop_lets_its_step_finish(server: Server) -> None:
    hold = server.app.hold("only")
    [worker] = server.workers("worker", SHUTDOWN_GRACE_SECONDS="20")
    accepted = server.post("one")
    hold.wait_arrived()
    worker.signal(SIGTERM)
    hold.release()
    worker.wait_ended()
    assert worker.exit_code == 0
    assert_everything_ran(server, {"one": accepted})
    assert server.app.calls_of("only") == 1


def test_a_worker_told_to_stop_gives_a_long_step_back_and_another_runs_it_at_once(server: Server) -> None:
    hold = server.app.hold("only")
    [leaving] = server.workers("leaving")
    accepted = server.post("one")
    hold.wait_arrived()
    [waiting] = server.workers("waiting")
    [(told_at,)] = server.rows("SELECT clock_timestamp()")
    leaving.terminate()
    assert leaving.exit_code == 0
    assert_everything_ran(server, {"one": accepted})
    [(late,)] = server.rows("SELECT extract(epoch FROM max(ended_at) - %s)::float8 FROM state_step", told_at)
    assert GRACE_SECONDS * 0.5 < late < GRACE_SECONDS + LEASE_SECONDS
    assert '"call": 2' in result_of(server, "only")
    assert not history(server, "step.returned")
    assert server.identity_of(leaving) is None
    assert not waiting.has_ended


def test_the_result_of_a_step_whose_run_was_cancelled_is_dropped(server: Server) -> None:
    hold = server.app.hold("first")
    server.workers("worker")
    accepted = server.post("chain")
    hold.wait_arrived()
    [(run,)] = server.rows("SELECT id FROM state_run")
    server.cancel(run)
    hold.release()
    assert_everything_ran(server, {"chain": accepted}, status="cancelled")
    assert server.rows("SELECT step_id, status, output FROM state_step") == [("first", "cancelled", None)]
    assert history(server, "step.dropped") == ["its run had ended"]
    assert server.app.calls_of("second") == 0
