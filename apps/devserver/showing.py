"""What happened as lines that one can read at speed: when, what kind, which run, which function, what.

12:03:44.123  ◆  event   shop/order.placed  {"id":42}
12:03:44.131  ○  4QZ7XM  notify             v3, by shop/order.placed
12:03:44.180  ✓  4QZ7XM  notify             compose     45 ms  {"subject":"Order 42"}
12:03:44.391  ●  4QZ7XM  notify             completed in 268 ms
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from apps.devserver.cells import cells, cut, harmless, one_line, padded, wrapped
from apps.devserver.colours import BLUE, BOLD, CYAN, DIM, GREEN, RED, YELLOW, Paint, of_run
from apps.devserver.durations import clock, span, until
from apps.devserver.stacks import authors_lines
from apps.state.told import (
    AboutRun,
    Error,
    EventReceived,
    NotStarted,
    RunEnded,
    RunStarted,
    Sleeping,
    StepRunning,
    StepSaid,
    StepTried,
    Told,
    Waiting,
)

_RUNS_KNOWN = 10_000
_LOG_LINES = 50
"""Of one attempt's log; the REST API has all of it."""
_DETAILS_AT = 27
_TAG = 6
_LEAST_WIDTH = 80
_SIGNAL = "inngest/signal:"
_RUN_ID = re.compile(r"\brun [0-9A-Z]{20}([0-9A-Z]{6})\b")
_SAID = {
    "completed": ("✓", GREEN),
    "failed": ("✗", RED),
    "timed_out": ("◷", YELLOW),
    "returned": ("↻", YELLOW),
    "waiting": ("↻", YELLOW),
}


class _Head(NamedTuple):
    """How a line begins."""

    symbol: str
    colour: str
    tag: str
    tag_colour: str
    name: str


class Renderer:
    """Renders one record after the other: it knows the functions of runs, and how wide the columns have been."""

    def __init__(self, *, coloured: bool) -> None:
        self._paint = Paint(coloured)
        self._functions: OrderedDict[str, str] = OrderedDict()
        self._outputs: OrderedDict[str, str] = OrderedDict()
        self._name_width = 16
        self._step_width = 8
        self._width = _LEAST_WIDTH
        self._render: dict[type[Told], Callable[..., list[str]]] = {
            EventReceived: self._event,
            NotStarted: self._not_started,
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
            StepRunning: self._step_running,
            StepTried: self._step_tried,
            StepSaid: self._step_said,
            Sleeping: self._sleeping,
            Waiting: self._waiting,
        }

    def lines(self, told: Told, width: int) -> list[str]:
        """The lines of a record, none wider than the terminal, but where an error is."""
        self._width = max(width, _LEAST_WIDTH)
        self.learn(told)
        render = self._render.get(type(told))
        return render(told) if render else []

    def learn(self, told: Told) -> None:
        """Of which function a run is: one record of it says it, the others may not."""
        if not isinstance(told, AboutRun):
            return
        if told.function:
            _remember(self._functions, told.run, told.function)
        else:
            told.function = self._functions.get(told.run, "")

    def _event(self, told: EventReceived) -> list[str]:
        paint = self._paint
        name = one_line(told.name)
        line, used = self._begin(told, _Head("◆", CYAN, "event", CYAN, name), is_whole=True)
        if not told.sets_off:
            line += paint("starts nothing  ", YELLOW)
            used += 16
        left = self._width - used
        # The id is for whoever asks the API about the event; on a narrow terminal the data come first.
        text = one_line(told.data)
        shows_id = left >= 60 or cells(text) + 28 <= left
        data = cut(text, left - 28 if shows_id else left)
        if shows_id:
            return [f"{line}{data}{'  ' if data else ''}{paint(harmless(told.id), DIM)}"]
        return [f"{line}{data}".rstrip()]

    def _not_started(self, told: NotStarted) -> list[str]:
        line, used = self._begin(told, _Head("·", YELLOW, "event", DIM, told.function))
        return self._sentence(line, used, f"not started: {one_line(told.reason)}", YELLOW)

    def _run_started(self, told: RunStarted) -> list[str]:
        line, used = self._begin(told, self._of_run(told, "○", BLUE))
        text = f"v{told.version}, {_by(told.reason)}"
        text = cut(text, self._width - used)
        return [line + text + self._run_id(told, self._width - used - cells(text))]

    def _run_ended(self, told: RunEnded) -> list[str]:
        colour = {"completed": GREEN, "failed": RED}.get(told.status, YELLOW)
        line, used = self._begin(told, self._of_run(told, "●", colour))
        last = self._outputs.pop(told.run, None)
        if told.status == "completed":
            text = f"completed in {span(told.seconds)}"
            output = told.output if told.output not in {last, "null"} else ""
            line += self._paint(text, GREEN)
            return [self._with_output(line, used + len(text), output)]
        text = f"{told.status} after {span(told.seconds)}"
        if told.status == "cancelled":
            return self._sentence(line, used, f"{text}, {_why_cancelled(told.reason)}", colour)
        # Why it failed, its steps have said.
        return [line + self._paint(text, colour) + self._run_id(told, self._width - used - len(text))]

    def _step_running(self, told: StepRunning) -> list[str]:
        line, used = self._begin(told, self._of_run(told, "…", DIM), told.step)
        again = f", attempt {told.attempt}" if told.attempt > 1 else ""
        return [line + self._paint(cut(f"is running, for {span(told.seconds)}{again}", self._width - used), DIM)]

    def _step_tried(self, told: StepTried) -> list[str]:
        symbol, colour = {"completed": ("✓", GREEN), "retrying": ("↻", YELLOW)}.get(told.status, ("✗", RED))
        line, used = self._begin(told, self._of_run(told, symbol, colour), told.step)
        took = f"{span(told.seconds):>8}"
        log = self._log(told.log)
        if told.status == "completed":
            _remember(self._outputs, told.run, told.output)
            again = f"  attempt {told.attempt}" if told.attempt > 1 else ""
            line += self._paint(took, DIM) + self._paint(again, YELLOW)
            return [self._with_output(line, used + len(took) + len(again), told.output), *log]
        tries = f"attempt {told.attempt} of {told.attempts}" if told.attempts > 1 else "failed"
        then = f", {_then(told.then)}" if told.then and told.attempts > 1 else ""
        said = self._sentence(f"{line}{self._paint(took, DIM)}  ", used + len(took) + 2, tries + then, colour)
        return [*said, *self._error(told.error, colour), *log]

    def _step_said(self, told: StepSaid) -> list[str]:
        symbol, colour = _SAID.get(told.status, ("·", DIM))
        line, used = self._begin(told, self._of_run(told, symbol, colour), told.step)
        prefix = {"not_reached": "not reached: ", "dropped": "its result is dropped: "}.get(told.status, "")
        text = prefix + one_line(told.reason)
        if told.status == "completed":
            text = cut(_without_id(text), self._width - used)
            return [self._with_output(line + text, used + cells(text), "" if told.output == "null" else told.output)]
        return self._sentence(line, used, text, colour)

    def _sleeping(self, told: Sleeping) -> list[str]:
        line, used = self._begin(told, self._of_run(told, "◷", BLUE), told.step)
        text = f"sleeps for {span(round(told.until - told.at, 1))}, until {until(told.until, told.at)}"
        return [line + self._paint(cut(text, self._width - used), BLUE)]

    def _waiting(self, told: Waiting) -> list[str]:
        line, used = self._begin(told, self._of_run(told, "◷", BLUE), told.step)
        signal = told.event_name.removeprefix(_SIGNAL)
        what = one_line(told.event_name if signal == told.event_name else f"the signal {signal}")
        last = f", until {until(told.until, told.at)}" if told.until else ""
        match = f", with {one_line(told.match)}" if told.match else ""
        return [line + self._paint(cut(f"waits for {what}{last}{match}", self._width - used), BLUE)]

    def _run_id(self, told: AboutRun, left: int) -> str:
        """The whole of it, where the line has so many cells left."""
        run = f"  {harmless(told.run)}"
        return self._paint(run, DIM) if cells(run) <= left else ""

    def _of_run(self, told: AboutRun, symbol: str, colour: str) -> _Head:
        tag = one_line(told.run[-_TAG:])
        return _Head(symbol, colour, tag, of_run(tag), told.function or "…")

    def _begin(self, told: Told, head: _Head, step: str | None = None, *, is_whole: bool = False) -> tuple[str, int]:
        """A line's beginning, and how wide it is."""
        paint = self._paint
        name = one_line(head.name)
        self._name_width = max(self._name_width, min(cells(name), 28))
        name_width = min(self._name_width, max(self._width // 5, 8))
        if is_whole:  # the name of an event is not cut where a column ends
            name_width = max(name_width, min(cells(name), self._width - _DETAILS_AT - 18))
        line = (
            f"{paint(clock(told.at), DIM)}  {paint(head.symbol, head.colour)}  "
            f"{paint(padded(head.tag, _TAG), head.tag_colour)}  {paint(padded(name, name_width), BOLD)}  "
        )
        used = _DETAILS_AT + name_width
        if step is None:
            return line, used
        step = one_line(step) or "(function)"
        self._step_width = max(self._step_width, min(cells(step), 24))
        step_width = min(self._step_width, max(self._width // 6, 8))
        return f"{line}{padded(step, step_width)}  ", used + step_width + 2

    def _with_output(self, line: str, used: int, output: str) -> str:
        left = self._width - used - 2
        return f"{line}  {cut(one_line(output), left)}" if output and left > 8 else line

    def _sentence(self, line: str, used: int, text: str, colour: str) -> list[str]:
        """A line that says something; what does not fit goes on below it."""
        if cells(text) <= self._width - used:
            return [line + self._paint(text, colour)]
        first, *rest = wrapped(text, self._width - used)
        below = wrapped(" ".join(rest), self._width - _DETAILS_AT)
        return [line + self._paint(first, colour), *(self._detail(one, colour) for one in below)]

    def _error(self, error: Error | None, colour: str) -> list[str]:
        """All of the message, and where to look."""
        if error is None:
            return []
        message = error.message if error.message.startswith(f"{error.name}:") else f"{error.name}: {error.message}"
        shown = [
            self._detail(part, colour)
            for line in message.splitlines()
            for part in wrapped(harmless(line), self._width - _DETAILS_AT)
        ]
        stack = [
            self._detail(part, DIM)
            for line in authors_lines(error.stack, message)
            for part in wrapped("  " + harmless(line), self._width - _DETAILS_AT)
        ]
        return shown + stack

    def _log(self, log: str) -> list[str]:
        """What the step logged."""
        if not log:
            return []
        lines = log.splitlines()
        shown = [
            self._detail(self._paint("│ ", DIM) + part, "")
            for line in lines[:_LOG_LINES]
            for part in wrapped(harmless(line), self._width - _DETAILS_AT - 2)
        ]
        more = len(lines) - _LOG_LINES
        return shown if more <= 0 else [*shown, self._detail(f"│ … {more} more lines", DIM)]

    def _detail(self, text: str, colour: str) -> str:
        return " " * _DETAILS_AT + (self._paint(text, colour) if colour else text)


def _remember(kept: OrderedDict[str, str], key: str, value: str) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _RUNS_KNOWN:
        kept.popitem(last=False)


def _then(then: str) -> str:
    return {"the last one": "failed for good", "not to be tried again": "not tried again"}.get(then, then)


def _without_id(reason: str) -> str:
    """`event shop/paid 01JX…` without the id; runs by their tags."""
    words = reason.split(" ")
    return " ".join(words[:-1]) if len(words) == 3 and words[0] == "event" else _with_tags(reason)


def _with_tags(reason: str) -> str:
    return _RUN_ID.sub(r"\1", reason)


def _why_cancelled(reason: str) -> str:
    words = one_line(reason).removeprefix("cancelled ").split(" ")
    return " ".join(words[:-1] if words[:2] == ["by", "event"] and len(words) == 4 else words)


def _by(reason: str) -> str:
    """By what a run was started, from the reason in its history."""
    words = one_line(reason).split(" ")
    if len(words) == 3 and words[0] == "event":
        return "by its cron" if words[1] == "inngest/scheduled.timer" else f"by {words[1]}"
    return _with_tags(one_line(reason))
