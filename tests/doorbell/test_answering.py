"""One answer at a time in a process, and no ring lost."""

import threading
from collections.abc import Callable

import pytest

from apps.doorbell.answering import Answer

PATIENCE = 10.0


class Work:
    """Work that a test lets begin and end, and which counts how often it began."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.times = 0
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self) -> None:
        self.times += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.began.release()
        assert self.may_end.acquire(timeout=PATIENCE)
        self.at_once -= 1


@pytest.fixture
def work() -> Work:
    return Work()


def in_thread(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def test_a_ring_is_answered_once(work: Work) -> None:
    work.may_end.release()
    Answer(work)()
    assert work.times == 1


def test_a_ring_during_an_answer_is_answered_after_it(work: Work) -> None:
    answer = Answer(work)
    busy = in_thread(answer)
    assert work.began.acquire(timeout=PATIENCE)
    answer()
    assert work.times == 1
    work.may_end.release(2)
    busy.join(PATIENCE)
    assert work.times == 2
    assert work.most_at_once == 1


def test_many_rings_during_an_answer_are_one(work: Work) -> None:
    answer = Answer(work)
    busy = in_thread(answer)
    assert work.began.acquire(timeout=PATIENCE)
    for _ in range(100):
        answer()
    work.may_end.release(2)
    busy.join(PATIENCE)
    assert work.times == 2


def test_a_ring_during_an_answer_wakes_it(work: Work) -> None:
    woken: list[int] = []
    answer = Answer(work, lambda: woken.append(1))
    busy = in_thread(answer)
    assert work.began.acquire(timeout=PATIENCE)
    assert not woken
    answer()
    assert woken
    work.may_end.release(2)
    busy.join(PATIENCE)


def test_an_answer_that_raises_does_not_keep_the_next_ring_from_being_answered() -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("once")

    answer = Answer(work)
    with pytest.raises(RuntimeError, match="once"):
        answer()
    answer()
    assert len(calls) == 2


def test_no_ring_of_many_threads_is_lost() -> None:
    """Whatever was put down before its ring has been seen when all answers are over."""
    put_down: list[int] = []
    seen: list[int] = []
    answer = Answer(lambda: seen.append(len(put_down)))

    def ring() -> None:
        for _ in range(500):
            put_down.append(1)
            answer()

    threads = [in_thread(ring) for _ in range(4)]
    for thread in threads:
        thread.join(PATIENCE)
    assert seen[-1] == len(put_down) == 2_000
