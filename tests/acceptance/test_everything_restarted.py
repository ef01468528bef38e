"""The whole server stops, as asked or as in a power cut, and starts again; and two beats at once."""

import os
from collections.abc import Callable
from signal import SIGKILL

import pytest

from tests.acceptance.server import Server
from tests.acceptance.whole import assert_everything_ran


def stop_as_asked(server: Server) -> None:
    """Beat and web first, the stores last."""
    for running in (server.beat, server.web, server.chores, *server.own.started):
        running.terminate()
    server.valkey.stop()
    server.postgres.stop()


def cut_the_power(server: Server) -> None:
    for pid in (server.valkey.pid, server.postgres.pid):
        assert pid
        os.kill(pid, SIGKILL)
    server.own.kill()
    server.fleet.kill()


@pytest.mark.parametrize("stop", [stop_as_asked, cut_the_power])
def test_runs_continue_when_everything_is_started_again(server: Server, stop: Callable[[Server], None]) -> None:
    server.app.fail_first("second")
    hold = server.app.hold("third")
    server.workers("one", "two")
    accepted = server.post("chain", 100)
    hold.wait_arrived()
    # Some are done, some run, some wait for their next attempt, and some have not been looked at.
    accepted += server.post("chain", 200)
    stop(server)
    hold.release()
    server.postgres.start()
    server.valkey.start()
    server.own.kill()
    server.fleet.kill()
    server.start_standing()
    server.workers("one", "two")
    assert_everything_ran(server, {"chain": accepted}, seconds=60)


def test_two_beats_at_once_do_no_harm(server: Server) -> None:
    server.app.fail_first("left")
    second = server.own.beat("second-beat")
    server.workers("one", "two")
    accepted = [internal_id for _ in range(5) for internal_id in server.post("graph", 10)]
    assert_everything_ran(server, {"graph": accepted})
    assert not second.has_ended
    server.beat.kill()
    accepted += server.post("graph", 10)
    assert_everything_ran(server, {"graph": accepted})
    assert server.app.calls_of("left") == 2 * server.app.calls_of("leaf")
