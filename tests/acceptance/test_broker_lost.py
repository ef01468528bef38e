"""The broker is a doorbell: emptied, killed or away for a while, it takes nothing with it."""

import os
import time
from signal import SIGCONT, SIGKILL, SIGSTOP

import redis

from tests.acceptance.server import Server
from tests.acceptance.whole import assert_everything_ran
from tests.waiting import wait_for

AWAY_SECONDS = 3.0
POST_EVERY_SECONDS = 0.05
READY = "SELECT count(*) FROM state_readyitem"


def kill_broker(server: Server) -> None:
    assert server.valkey.pid
    os.kill(server.valkey.pid, SIGKILL)
    wait_for(lambda: not server.valkey.answers(), "the broker is gone")


def test_a_flushed_broker_loses_none_of_thousands_of_ready_items(server: Server) -> None:
    accepted = [internal_id for _ in range(4) for internal_id in server.post("one", 500)]
    wait_for(lambda: server.number(READY) == len(accepted), "all are ready")
    with redis.Redis(unix_socket_path=str(server.valkey.socket)) as broker:
        assert broker.llen("steps")
        broker.flushall()
    server.workers("one", "two")
    assert_everything_ran(server, {"one": accepted}, seconds=60)
    assert server.app.calls_of("only") == len(accepted)


def test_events_are_accepted_while_the_broker_is_away_and_run_when_it_is_back(server: Server) -> None:
    server.workers("one", "two")
    accepted = server.post("chain", 20)
    kill_broker(server)
    # Long enough for everyone to notice, and to try in vain to come back.
    away_until = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < away_until:
        accepted += server.post("chain")
        time.sleep(POST_EVERY_SECONDS)
    server.valkey.start()
    accepted += server.post("chain", 20)
    assert_everything_ran(server, {"chain": accepted}, seconds=60)


def test_a_broker_that_stands_still_delays_no_post(server: Server) -> None:
    server.workers("one")
    assert server.valkey.pid
    os.kill(server.valkey.pid, SIGSTOP)
    try:
        began = time.monotonic()
        accepted = [internal_id for _ in range(20) for internal_id in server.post("one")]
        assert time.monotonic() - began < 2
    finally:
        os.kill(server.valkey.pid, SIGCONT)
    assert_everything_ran(server, {"one": accepted}, seconds=60)
