"""Crons on real processes: beat rings, a worker runs what has ticked, and what ticked while they were dead."""

import time
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server
from tests.acceptance.whole import assert_results_recorded_once, wait_settled
from tests.waiting import wait_for

SOON_SECONDS = 5.0
TICKS = "SELECT count(*) FROM event_stream_event WHERE name = 'inngest/scheduled.timer'"
DUE = "UPDATE datastore_crontrigger SET next_at = date_trunc('year', now()) - interval '3 years' RETURNING id"


@pytest.fixture
def yearly(server: Server) -> Iterator[None]:
    """Function `one` ticks once a year, so not by itself while a test runs."""
    server.rows(
        "INSERT INTO datastore_crontrigger"
        " (environment_id, function_id, version_id, cron, schedule, timezone, next_at)"
        " SELECT environment_id, function_id, version_id, '0 0 1 1 *', '0 0 1 1 *', 'UTC', 'infinity'"
        " FROM datastore_eventtrigger WHERE event_name = 'test/one' RETURNING id"
    )
    yield
    server.rows("DELETE FROM datastore_crontrigger RETURNING id")


@pytest.mark.usefixtures("yearly")
def test_what_ticks_runs_within_seconds(server: Server) -> None:
    server.workers("one")
    server.rows(DUE)
    wait_for(lambda: server.number(TICKS), "the tick is run", SOON_SECONDS)
    wait_settled(server)
    assert server.rows("SELECT status FROM state_run") == [("completed",)]
    assert_results_recorded_once(server)


@pytest.mark.usefixtures("yearly")
def test_what_ticked_while_beat_and_the_workers_were_dead_is_caught_up_once(server: Server) -> None:
    server.workers("one")
    for dead in (server.beat, server.chores):
        dead.kill()
    server.rows(DUE)
    time.sleep(1)
    assert not server.number(TICKS)
    for dead in (server.beat, server.chores):
        server.fleet.start_again(dead)
    server.fleet.beat("another-beat")
    wait_for(lambda: server.number(TICKS), "the tick is run", 30)
    wait_settled(server)
    time.sleep(2)
    assert server.number(TICKS) == 1
    assert server.rows("SELECT status FROM state_run") == [("completed",)]
    assert_results_recorded_once(server)
