import threading
import time

from drivers.contract import Abort
from drivers.cutoff import Cutoff


def test_an_abort_runs_its_callbacks_once_and_survives_their_faults() -> None:
    def fail() -> None:
        raise RuntimeError("a callback's own fault")

    abort, ran = Abort(), list[int]()
    abort.on_set(lambda: ran.append(1))
    abort.on_set(fail)
    forget = abort.on_set(lambda: ran.append(2))
    abort.on_set(lambda: ran.append(3))
    forget()
    abort.set()
    abort.set()
    assert ran == [1, 3]
    abort.on_set(lambda: ran.append(4))
    assert (ran, abort.is_set()) == ([1, 3, 4], True)


def test_a_call_is_stopped_at_its_deadline_while_others_go_on() -> None:
    stopped = threading.Event()
    with Cutoff(60, Abort()) as long, Cutoff(0.1, Abort()) as short:
        long.stops(stopped.set)
        ended = threading.Event()
        short.stops(ended.set)
        assert ended.wait(2)
        assert (short.reason, long.reason) == ("timeout", None)
    assert not stopped.is_set()


def test_deadlines_hold_in_any_order() -> None:
    late: list[float] = []

    def wait(seconds: float) -> None:
        ended = threading.Event()
        with Cutoff(seconds, Abort()) as cutoff:
            cutoff.stops(ended.set)
            ended.wait(5)
            late.append(time.monotonic() - cutoff.deadline)

    threads = [threading.Thread(target=wait, args=(0.05 + 0.02 * (number * 7 % 20),)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(0 <= seconds < 3.0 for seconds in late)
    assert len(late) == 20


def test_a_call_that_is_over_is_stopped_by_nothing() -> None:
    abort, stopped = Abort(), list[str]()
    with Cutoff(0.05, abort) as cutoff:
        cutoff.stops(lambda: stopped.append("x"))
    abort.set()
    time.sleep(0.1)
    assert (stopped, cutoff.reason) == ([], None)


def test_what_was_released_is_not_stopped() -> None:
    abort, stopped = Abort(), list[str]()
    with Cutoff(60, abort) as cutoff:
        cutoff.stops(lambda: stopped.append("x"))
        assert cutoff.release()
        abort.set()
        assert not cutoff.release()
        cutoff.stops(lambda: stopped.append("later"))
    assert stopped == ["later"]
