import io
import os
import re

import pytest

from apps.devserver.output import OFF_TERMINAL_WIDTH, Log

TIME = r"\d\d:\d\d:\d\d\.\d{3}"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def untimed(stream: io.StringIO) -> list[str]:
    """The lines without the time of day with which each begins."""
    return [re.sub(f"^{TIME}  ", "", line) for line in stream.getvalue().splitlines()]


def test_every_line_says_when_and_names_its_process() -> None:
    stream = io.StringIO()
    Log(stream).line("web", "hello")
    assert re.fullmatch(rf"{TIME}  web        hello\n", stream.getvalue())


def test_what_was_loaded_is_green_and_what_was_not_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    log = Log(stream)
    log.line("setup", "loaded onboarding v3")
    log.line("functions", "not loaded: shop/inngest.json:14: $.steps.x: it is not there")
    log.line("functions", "plain")
    green, red, plain = stream.getvalue().splitlines()
    assert green.endswith("\x1b[32mloaded onboarding v3\x1b[0m")
    assert red.endswith("\x1b[31mnot loaded: shop/inngest.json:14: $.steps.x: it is not there\x1b[0m")
    assert plain.endswith("  plain")


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Log(stream).line("setup", "loaded onboarding v3")
    assert "\x1b" not in stream.getvalue()


def test_what_would_steer_the_terminal_is_replaced() -> None:
    stream = io.StringIO()
    Log(stream).line("app", "a\x1b[2Jb\rc\u202ed\x9be\udcfff")
    assert untimed(stream) == ["app        a�[2Jb�c�d�e?f"]


def test_a_process_is_followed_to_its_last_unfinished_line() -> None:
    reading, writing = os.pipe()
    stream = io.StringIO()
    thread = Log(stream).follow("web", os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"one\r\n\nnot utf-8: \xff\nno end")
    thread.join(5)
    assert untimed(stream) == ["web        one", "web        not utf-8: �", "web        no end"]


def test_that_a_worker_was_stopped_is_no_news() -> None:
    reading, writing = os.pipe()
    stream = io.StringIO()
    thread = Log(stream).follow("cpu", os.fdopen(reading, "rb"))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(b"\nworker: Warm shutdown (MainProcess)\nreally\n")
    thread.join(5)
    assert untimed(stream) == ["cpu        really"]


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


def test_a_stream_that_knows_few_characters_gets_what_it_knows() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Log(stream).line("web", "✓ done")
    assert raw.getvalue().endswith(b"? done\n")


def test_off_a_terminal_lines_are_as_wide_as_is_good_to_read() -> None:
    assert Log(io.StringIO()).width() == OFF_TERMINAL_WIDTH
