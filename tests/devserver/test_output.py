import io
import os

import pytest

from apps.devserver.output import Log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_line_names_its_process() -> None:
    stream = io.StringIO()
    Log(stream, width=6).line("web", "hello")
    assert stream.getvalue() == "web    | hello\n"


def test_a_terminal_gets_a_colour_for_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    log = Log(stream)
    for name in ("web", "beat", "web"):
        log.line(name, "hello")
    first, second, third = stream.getvalue().splitlines()
    assert first.startswith("\x1b[")
    assert first == third
    assert first.split("m", 1)[0] != second.split("m", 1)[0]


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Log(stream).line("web", "hello")
    assert "\x1b" not in stream.getvalue()


def test_a_process_is_followed_to_its_last_unfinished_line() -> None:
    reading, writing = os.pipe()
    stream = io.StringIO()
    thread = Log(stream, width=3).follow("web", os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"one\r\n\nnot utf-8: \xff\nno end")
    thread.join(5)
    assert stream.getvalue().splitlines() == ["web | one", "web | not utf-8: �", "web | no end"]


def test_a_terminal_that_is_gone_does_not_stop_the_reading() -> None:
    reading, writing = os.pipe()
    stream = io.StringIO()
    log = Log(stream)
    stream.close()
    thread = log.follow("web", os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"a line\n" * 100_000)
    thread.join(5)
    assert not thread.is_alive()
