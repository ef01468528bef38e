"""PostgreSQL restarts, or the connection to it breaks at the worst moment: what was answered stands, once."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from signal import SIGINT, SIGKILL, SIGQUIT, Signals

import pytest

from tests.acceptance.proxy import Proxy
from tests.acceptance.senders import EVENTS_A_POST, Senders
from tests.acceptance.server import LEASE_SECONDS, Server
from tests.acceptance.whole import assert_everything_ran, history
from tests.waiting import wait_for


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.postgres.url, server.folder / "proxy")
    yield proxy
    server.own.kill()
    proxy.close()
    (server.folder / "proxy" / ".s.PGSQL.5432").unlink()
    (server.folder / "proxy").rmdir()


def end_database(server: Server, number: Signals) -> None:
    assert server.postgres.pid
    os.kill(server.postgres.pid, number)
    wait_for(lambda: not server.postgres.answers(), "the database is gone")


def assert_nothing_half_stored(server: Server, senders: Senders) -> None:
    """Of every POST all events are there, or none."""
    stored = Counter(
        sent.rpartition("-")[0]
        for (sent,) in server.rows("SELECT payload::json->>'id' FROM event_stream_event WHERE NOT duplicate")
    )
    assert set(stored.values()) == {EVENTS_A_POST}
    assert set(stored) <= {ids[0].rpartition("-")[0] for ids in senders.posts}


@pytest.mark.parametrize("how", [SIGINT, SIGQUIT, SIGKILL], ids=["fast", "immediate", "killed"])
def test_a_database_that_restarts_under_load_keeps_every_event_that_was_acknowledged(
    server: Server, how: Signals
) -> None:
    server.workers("one", "two")
    senders = Senders(server, "one")
    try:
        senders.wait_accepted(50)
        end_database(server, how)
        refused = senders.refused
        wait_for(lambda: senders.refused > refused, "POSTs are refused")
        server.postgres.start()
        senders.wait_accepted(50)
    finally:
        senders.stop()
    assert_everything_ran(server, {"one": senders.accepted}, seconds=60)
    assert_nothing_half_stored(server, senders)


def test_a_database_that_was_away_for_longer_than_a_lease_costs_living_workers_nothing(server: Server) -> None:
    hold = server.app.hold("only")
    [worker] = server.workers("worker")
    identity = server.identity_of(worker)
    accepted = server.post("one")
    hold.wait_arrived()
    end_database(server, SIGINT)
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > LEASE_SECONDS + 0.5, "a lease is over")
    server.postgres.start()
    # The chores run again: whoever is to be declared dead is by then.
    [(back_at,)] = server.rows("SELECT clock_timestamp()")
    wait_for(
        lambda: server.number("SELECT count(*) FROM state_pulse WHERE at > %s + interval '3 s'", back_at),
        "the chores run again",
    )
    hold.release()
    assert_everything_ran(server, {"one": accepted}, seconds=60)
    assert server.app.calls_of("only") == 1
    assert server.identity_of(worker) == identity


def test_a_claim_whose_answer_is_lost_leaves_no_item_behind(server: Server, proxy: Proxy) -> None:
    [worker] = server.workers("worker", DATABASE_URL=proxy.url)
    before = server.identity_of(worker)
    proxy.lose(b"root")
    accepted = server.post("graph", 3)
    proxy.wait_lost()
    assert_everything_ran(server, {"graph": accepted})
    assert server.app.calls_of("root") == 3
    # Its lease was never lost: it gave back itself what it had claimed without knowing.
    assert not history(server, "step.returned")
    assert server.identity_of(worker) == before


def test_a_record_whose_answer_is_lost_takes_effect_once(server: Server, proxy: Proxy) -> None:
    hold = server.app.hold("first")
    server.workers("worker", DATABASE_URL=proxy.url)
    accepted = server.post("chain")
    hold.wait_arrived()
    proxy.lose(b"COMMIT\0")
    hold.release()
    proxy.wait_lost()
    assert_everything_ran(server, {"chain": accepted})
    assert set(server.app.calls.values()) == {1}
    assert not history(server, "step.returned")
