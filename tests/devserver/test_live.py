"""What processes tell, over a real socket, as it comes out of the print."""

import io
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.devserver.hearing import Hearing
from apps.devserver.live import Live
from apps.devserver.output import Log
from apps.devserver.processes import holds_within
from apps.state.teller import Teller
from apps.state.told import Error, Folded, RunEnded, RunStarted, StepTried, Told

MOST = 50


class Held(io.StringIO):
    """A terminal that takes nothing until it is let."""

    def __init__(self, until: threading.Event) -> None:
        super().__init__()
        self._until = until

    def write(self, text: str) -> int:
        self._until.wait(30)
        return len(text)


class Screen:
    """A live print and what it has printed."""

    def __init__(self, folder: Path) -> None:
        self.stream = io.StringIO()
        self.live = Live(Log(self.stream), MOST)
        self.hearing = Hearing(folder, self.live.add)
        self.path = str(self.hearing.path)
        self.tellers: list[Teller] = []

    def shows(self, pattern: str) -> bool:
        return holds_within(5.0, lambda: bool(re.search(pattern, self.stream.getvalue(), flags=re.MULTILINE)))

    def close(self) -> None:
        for teller in self.tellers:
            teller.close()
        self.hearing.close()
        self.live.close()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    made = Screen(tmp_path)
    yield made
    made.close()


def run(number: int) -> str:
    return f"01KB00000000000000{number:08}"


def ended(number: int) -> RunEnded:
    return RunEnded(run=run(number), function="f", status="completed", seconds=1.0, reason="")


def run_failed(number: int) -> RunEnded:
    return RunEnded(run=run(number), function="f", status="failed", seconds=1.0, reason="a step failed for good")


def failed(number: int, message: str = "") -> StepTried:
    error = Error("Error", message or f"no {number}")
    of: dict[str, Any] = {"run": run(number), "function": "f", "step": "s", "step_id": "s"}
    return StepTried(**of, status="failed", attempt=1, attempts=1, seconds=1.0, error=error)


def tell(screen: Screen, *told: Told, most: int = 10_000) -> Teller:
    teller = Teller(screen.path, most)
    now = time.time()
    for one in told:
        one.at = one.at or now
    teller.tell(told, now)
    screen.tellers.append(teller)
    return teller


def test_what_is_told_is_printed_within_a_moment(screen: Screen) -> None:
    began = time.monotonic()
    tell(screen, ended(1))
    assert screen.shows(r"●  000001  f +completed in 1 s")
    assert time.monotonic() - began < 1.0


def test_what_several_processes_tell_comes_in_the_order_in_which_it_happened(screen: Screen) -> None:
    now = time.time()
    first, last = RunStarted(at=now, run=run(1), function="f", version=1, reason="x"), ended(1)
    last.at = now + 0.002
    for one in (last, first):
        screen.live.add([one])
    assert screen.shows("completed in 1 s")
    assert screen.stream.getvalue().index("○") < screen.stream.getvalue().index("●")


def test_a_flood_is_counted_and_errors_have_room_of_their_own(screen: Screen) -> None:
    tell(screen, *(ended(number) for number in range(1_000)), *(failed(number) for number in range(20)))
    assert screen.shows(r"^[\d:.]+  …  950 more in the last second: 950 runs completed$")
    assert screen.stream.getvalue().count("Error: no ") == 20
    assert screen.stream.getvalue().count("completed in") == MOST


def test_an_error_that_comes_again_and_again_is_shown_once_and_counted(screen: Screen) -> None:
    told: list[Told] = []
    for number in range(413):
        told += [failed(number, "the store is away"), run_failed(number)]
    tell(screen, *told, *(ended(number) for number in range(MOST)))
    assert screen.shows("…  f s: the same error 412 more times in the last second: Error: the store is away$")
    printed = screen.stream.getvalue()
    assert printed.count("✗") == 1
    assert printed.count("failed after") == MOST - 2
    assert printed.count("completed in") == MOST
    assert "365 more in the last second: 365 runs failed" in printed


def test_of_each_kind_of_error_the_first_is_shown_however_many_others_there_are(screen: Screen) -> None:
    others = [failed(number) for number in range(500)]
    first = StepTried(
        run=run(9), function="g", step="t", step_id="t", status="failed", attempt=1, attempts=1, seconds=1.0,
        error=Error("TypeError", "there is no card"),
    )  # fmt: skip
    tell(screen, *others, first)
    assert screen.shows("TypeError: there is no card")
    assert screen.shows("475 more in the last second: 475 steps failed")


def test_a_record_that_cannot_be_shown_does_not_end_the_print(screen: Screen) -> None:
    nowhen = ended(1)
    nowhen.at = float("nan")
    screen.live.add([nowhen])
    assert screen.shows("…  run.completed cannot be shown: ValueError: ")
    tell(screen, ended(2))
    assert screen.shows("●  000002")


def test_what_waits_for_the_terminal_is_bounded_by_its_bytes(tmp_path: Path) -> None:
    held = threading.Event()
    live = Live(Log(Held(held)), 10**9)
    try:
        for number in range(2_000):
            one = failed(number)
            one.log = "x" * 64 * 1024 + str(number)
            live.add([one])
        assert sum(len(one.told.log) for one in live._waiting if isinstance(one.told, StepTried)) < 17 * 1024 * 1024
        assert live._folded["step.failed"] > 1_000
    finally:
        held.set()
        live.close()


def test_what_waits_for_a_server_that_does_not_listen_is_bounded_by_its_bytes(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        deaf.listen()
        teller = Teller(str(tmp_path / "deaf"), 10_000)
        one = failed(1)
        one.log = "x" * 64 * 1024
        for _ in range(1_000):
            teller.tell([one], time.time())
        assert teller._queued_bytes < 17 * 1024 * 1024
        assert teller._folded["step.failed"] > 500
    teller.close()


def test_a_process_that_has_too_much_to_tell_counts_it_itself(screen: Screen) -> None:
    tell(screen, *(ended(number) for number in range(1_000)), failed(7), most=20)
    assert screen.shows(r"^[\d:.]+  …  980 more in the last second: 980 runs completed$")
    assert "Error: no 7" in screen.stream.getvalue()


def test_what_cannot_be_understood_is_passed_over(screen: Screen) -> None:
    with socket.socket(socket.AF_UNIX) as teller:
        teller.connect(screen.path)
        teller.sendall(b'{"kind":"of.another.release","run":1}\nnot json\n{"kind":"run.ended"}\n\n')
    tell(screen, ended(3))
    assert screen.shows("000003")
    assert len(screen.stream.getvalue().splitlines()) == 1


def test_what_no_terminal_can_show_is_told_all_the_same(screen: Screen) -> None:
    of = {"run": run(1), "function": "f"}
    tell(screen, RunStarted(**of, version=1, reason="\ud800 by somebody"), ended(2))  # type: ignore[arg-type]
    assert screen.shows(r"○  000001  f +v1, . by somebody")
    assert screen.shows(r"●  000002")


def test_a_line_without_end_is_not_kept(screen: Screen) -> None:
    with socket.socket(socket.AF_UNIX) as teller:
        teller.connect(screen.path)
        with pytest.raises(OSError):  # a broken pipe, or the connection is reset
            teller.sendall(b"x" * 64 * 1024 * 1024)
    tell(screen, ended(4))
    assert screen.shows("000004")


def test_only_its_own_user_reaches_the_socket(screen: Screen) -> None:
    assert Path(screen.path).stat().st_mode & 0o077 == 0
    assert Path(screen.path).parent.stat().st_mode & 0o077 == 0


def test_telling_costs_nothing_when_nobody_listens(tmp_path: Path) -> None:
    teller = Teller(str(tmp_path / "nobody"), 10_000)
    began = time.monotonic()
    for number in range(2_000):
        teller.tell([ended(number)], time.time())
    assert time.monotonic() - began < 1.0
    teller.close()


def test_whoever_listens_again_hears_again(tmp_path: Path) -> None:
    first = Screen(tmp_path)
    teller = tell(first, ended(1))
    assert first.shows("000001")
    first.tellers.clear()
    first.close()
    second = Screen(tmp_path)
    try:

        def heard() -> bool:
            teller.tell([ended(2)], time.time())
            return "000002" in second.stream.getvalue()

        assert holds_within(10.0, heard, pause=0.1)
    finally:
        teller.close()
        second.close()


def test_a_terminal_that_takes_nothing_holds_nobody_up(tmp_path: Path) -> None:
    held = threading.Event()
    live = Live(Log(Held(held)), 10**9)
    try:
        began = time.monotonic()
        for number in range(40_000):
            live.add([ended(number)])
        live.add([Folded(counts={"run.completed": 1})])
        assert time.monotonic() - began < 5.0
        assert len(live._waiting) <= 20_000
    finally:
        held.set()
        live.close()
