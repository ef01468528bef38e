"""ULIDs: well-formed, in order, all different."""

import os
import threading
import time

from ulid import ULID

from apps.event_stream import ids
from apps.event_stream.ids import encode_ulid, new_ulid, new_ulids, oldest_ulid


def test_an_id_is_a_ulid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    parsed = ULID.from_str(new_ulid())
    assert before <= parsed.milliseconds <= before + 1_000


def test_ids_are_in_the_order_in_which_they_were_made() -> None:
    made = [new_ulid() for _ in range(10_000)] + new_ulids(10_000)
    assert made == sorted(set(made))


def test_a_clock_that_is_set_back_does_not_break_the_order(monkeypatch: object) -> None:
    later = new_ulid()
    ids._millisecond += 60_000  # as if the clock had been a minute ahead
    try:
        assert later < new_ulid() < new_ulid()
    finally:
        ids._millisecond -= 60_000


def test_a_counter_near_its_end_goes_on_in_the_next_millisecond() -> None:
    before = new_ulid()
    ids._counter = (1 << ids._COUNTER_BITS) - 2
    assert before < new_ulids(1)[0] < new_ulids(5)[0] < new_ulid()


def test_threads_never_make_the_same_id() -> None:
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda own=own: own.extend(new_ulid() for _ in range(5_000))) for own in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for own in made for one in own}) == 20_000


def test_a_forked_child_does_not_repeat_its_parents_ids() -> None:
    reader, writer = os.pipe()
    ids._millisecond += 1_000  # both stay in this millisecond, whatever the clock says
    try:
        new_ulid()
        child = os.fork()
        if child == 0:
            os.write(writer, new_ulid().encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 26).decode()[10:] != new_ulid()[10:]
    finally:
        ids._millisecond = -1
        os.close(reader)
        os.close(writer)


def test_encoding_is_that_of_the_ulid_specification() -> None:
    assert encode_ulid(2**48 - 1, 2**80 - 1) == "7" + "Z" * 25
    assert encode_ulid(1_469_918_176_385, 0) == "01ARYZ6S41" + "0" * 16
    parsed = ULID.from_str(encode_ulid(1_743_130_137_367, 0x1234_5678_9ABC_DEF0_1234))
    assert parsed.milliseconds == 1_743_130_137_367
    assert parsed.bytes[6:] == bytes.fromhex("123456789abcdef01234")


def test_the_oldest_id_of_a_time_bounds_the_others() -> None:
    now = time.time_ns() // 1_000_000
    assert oldest_ulid(now) <= encode_ulid(now, 0) < encode_ulid(now, 2**80 - 1) < oldest_ulid(now + 1)
    assert oldest_ulid(-5) == "0" * 26
