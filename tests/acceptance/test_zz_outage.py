"""ad hoc: recovery after a long outage"""
import time, os
from signal import SIGINT
from tests.acceptance.server import Server
from tests.acceptance.whole import assert_everything_ran
from tests.acceptance.test_database_lost import end_database
def test_outage(server: Server) -> None:
    server.workers("one")
    assert_everything_ran(server, {"one": server.post("one")})
    end_database(server, SIGINT); t=time.monotonic()
    while time.monotonic()-t<16: time.sleep(.1)
    server.postgres.start(); t=time.monotonic()
    while True:
        try: ids=server.post("one"); break
        except Exception: time.sleep(.1)
    a=time.monotonic()-t
    assert_everything_ran(server, {"one": ids}, seconds=60)
    raise AssertionError(f"posted {a:.1f} recovered after {time.monotonic()-t:.1f}")
