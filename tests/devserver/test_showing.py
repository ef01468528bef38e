"""Each kind of record as a person sees it, without colours."""

import re
from datetime import datetime
from typing import Any

import pytest
from rich.cells import cell_len

from apps.devserver.local_time import ZONE
from apps.devserver.showing import Renderer
from apps.state.told import (
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

AT = datetime(2026, 11, 23, 12, 3, 44, 123_000, tzinfo=ZONE).timestamp()
RUN = "01KB0000000000000000A1B2C3"
EVENT = "01KB00000000000000000EVENT"


def shown(*told: Told, width: int = 100) -> list[str]:
    renderer = Renderer(coloured=False)
    lines = []
    for one in told:
        one.at = one.at or AT
        lines += renderer.lines(one, width)
    return lines


def tried(**fields: object) -> StepTried:
    usual = {"run": RUN, "function": "notify", "step": "compose", "step_id": "compose", "status": "completed"}
    return StepTried(**{**usual, "attempt": 1, "attempts": 4, "seconds": 0.045, **fields})  # type: ignore[arg-type]


def test_an_event_shows_its_data_and_its_id() -> None:
    assert shown(EventReceived(id=EVENT, name="shop/order.placed", data='{"id":42}', sets_off=1)) == [
        f'12:03:44.123  ◆  event   shop/order.placed  {{"id":42}}  {EVENT}'
    ]


def test_an_event_that_starts_nothing_says_so() -> None:
    [line] = shown(EventReceived(id=EVENT, name="a/b", data='{"id":42}'))
    assert line == f'12:03:44.123  ◆  event   a/b               starts nothing  {{"id":42}}  {EVENT}'


def test_a_function_that_is_not_started_says_why() -> None:
    [line] = shown(NotStarted(event_id=EVENT, function="onboarding", reason="`event.data.email != null` is not true"))
    assert line == ("12:03:44.123  ·  event   onboarding        not started: `event.data.email != null` is not true")


def test_a_run_from_its_start_to_its_end() -> None:
    assert shown(
        RunStarted(run=RUN, function="notify", version=3, reason=f"event shop/order.placed {EVENT}"),
        tried(output='{"subject": "Order 42"}', log="charging\nsent"),
        RunEnded(run=RUN, status="completed", seconds=0.268, reason="every step has completed"),
    ) == [
        f"12:03:44.123  ○  A1B2C3  notify            v3, by shop/order.placed  {RUN}",
        '12:03:44.123  ✓  A1B2C3  notify            compose      45 ms  {"subject": "Order 42"}',
        "                           │ charging",
        "                           │ sent",
        "12:03:44.123  ●  A1B2C3  notify            completed in 268 ms",
    ]


def test_the_output_of_a_function_is_shown_unless_its_last_step_had_the_same() -> None:
    same = tried(output="[1]"), RunEnded(run=RUN, status="completed", seconds=1.0, reason="", output="[1]")
    assert shown(*same)[-1].endswith("completed in 1 s")
    other = tried(output="[1]"), RunEnded(run=RUN, status="completed", seconds=1.0, reason="", output="[2]")
    assert shown(*other)[-1].endswith("completed in 1 s  [2]")


def test_a_failure_shows_the_whole_message_and_where_to_look() -> None:
    message = "the provider refused the card " * 8
    stack = "at card (steps/charge/index.ts:3)\nat run (node_modules/x/index.js:1)\nat run (steps/charge/index.ts:11)"
    lines = shown(
        tried(status="retrying", error=Error("TypeError", message, stack), then="again in 2.5 s", log="charging")
    )
    assert lines[0] == "12:03:44.123  ↻  A1B2C3  notify            compose      45 ms  attempt 1 of 4, again in 2.5 s"
    assert " ".join(" ".join(lines[1:-3]).split()) == f"TypeError: {message}".strip()
    assert [line.strip() for line in lines[-3:]] == [
        "at card (steps/charge/index.ts:3)",
        "at run (steps/charge/index.ts:11)",
        "│ charging",
    ]
    assert all(cell_len(line) <= 100 for line in lines)


def test_the_last_attempt_says_that_it_was_the_last() -> None:
    error = Error("Error", "no")
    [line, *_] = shown(tried(status="failed", attempt=4, error=error, then="the last one"))
    assert line.endswith("attempt 4 of 4, failed for good")
    [line, *_] = shown(tried(status="failed", error=error, then="not to be tried again"))
    assert line.endswith("attempt 1 of 4, not tried again")
    [line, *_] = shown(tried(status="failed", attempts=1, error=error, then="the last one"))
    assert line.endswith("  failed")


def test_a_failed_run_names_itself_in_full() -> None:
    [line] = shown(RunEnded(run=RUN, function="notify", status="failed", seconds=75, reason="a step failed for good"))
    assert line == f"12:03:44.123  ●  A1B2C3  notify            failed after 1 min 15 s  {RUN}"


def test_a_cancelled_run_says_by_what() -> None:
    reason = f"cancelled by event account/deleted {EVENT}"
    [line] = shown(RunEnded(run=RUN, function="notify", status="cancelled", seconds=3_700, reason=reason))
    assert line.endswith("cancelled after 1 h 1 min, by event account/deleted")


def test_sleeping_and_waiting_say_until_when() -> None:
    of: dict[str, Any] = {"run": RUN, "function": "onboarding", "step_id": "tips"}
    tomorrow = AT + 86_400
    assert [line[25:] for line in shown(
        Sleeping(**of, step="tips", until=AT + 5),
        Waiting(**of, step="welcome", event_name="account/confirmed", until=tomorrow, match="async.data.id == 7"),
        Waiting(**of, step="hold", event_name="inngest/signal:go on"),
        width=120,
    )] == [
        "onboarding        tips      sleeps for 5 s, until 12:03:49",
        "onboarding        welcome   waits for account/confirmed, until Tue 24 Nov 2026 12:03, with asy…",
        "onboarding        hold      waits for the signal go on",
    ]  # fmt: skip


def test_what_came_of_a_wait_and_what_is_not_reached() -> None:
    of: dict[str, Any] = {"run": RUN, "function": "f", "step_id": "x"}
    lines = shown(
        StepSaid(**of, step="welcome", status="completed", reason=f"event account/confirmed {EVENT}"),
        StepSaid(**of, step="ask", status="timed_out", reason="its event did not come in time"),
        StepSaid(**of, step="call", status="not_reached", reason="after welcome: `false` is not true"),
        StepSaid(**of, step="nap", status="completed", reason="it has slept", output="null"),
        StepRunning(**of, step="", attempt=2, seconds=2.3),
    )
    assert [line[14:15] + line[43:] for line in lines] == [
        "✓welcome   event account/confirmed",
        "◷ask       its event did not come in time",
        "·call      not reached: after welcome: `false` is not true",
        "✓nap       it has slept",
        "…(function)  is running, for 2.3 s, attempt 2",
    ]


def test_other_runs_are_named_by_their_tags() -> None:
    started = RunStarted(run=RUN, function="f", version=1, reason="invoked by run 01KB0000000000000000INV0KE")
    ended = StepSaid(
        run=RUN, step="ask", step_id="x", status="completed", reason=f"f completed (run {RUN})", output="[1]"
    )
    lines = shown(started, ended)
    assert "v1, invoked by INV0KE" in lines[0]
    assert lines[1].endswith("f completed (A1B2C3)  [1]")


def test_the_function_of_a_run_is_known_from_before() -> None:
    lines = shown(
        RunStarted(run=RUN, function="notify", version=1, reason="invoked through the REST API"),
        StepSaid(run=RUN, step="x", step_id="x", status="timed_out", reason="late"),
    )
    assert "  notify  " in lines[1]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_is_wider_than_the_terminal_whatever_its_author_wrote(width: int) -> None:
    wide, hostile = "漢" * 300, "\x1b[2J\x1b]0;title\x07\r\n\u202e" * 20
    lines = shown(
        EventReceived(id=EVENT, name=hostile + wide, data=wide),
        NotStarted(event_id=EVENT, function=wide, reason=hostile + wide),
        RunStarted(run=hostile, function=hostile, version=1, reason=wide),
        tried(step=wide, output=hostile + "x" * 1_000_000, log=hostile + wide),
        tried(status="failed", step=hostile, error=Error(wide, hostile, wide), then="the last one"),
        StepSaid(run=RUN, step=wide, step_id="x", status="completed", reason=wide, output=wide),
        Sleeping(run=RUN, step=wide, step_id="x", until=AT + 10**9),
        Waiting(run=RUN, step=wide, step_id="x", event_name=wide, match=hostile),
        RunEnded(run=RUN, status="cancelled", seconds=10**9, reason=wide),
        RunEnded(run=RUN, function=wide, status="failed", seconds=10**9, reason=wide),
        RunEnded(run=hostile + wide, status="failed", seconds=10**9, reason=wide),
        width=width,
    )
    for line in lines:
        assert line.isprintable(), line
        assert cell_len(line) <= width, line
        assert not re.search("[\x00-\x1f\u202e]", line)


def test_a_log_without_end_is_cut_and_says_so() -> None:
    lines = shown(tried(log="\n".join(map(str, range(1_000)))))
    assert len(lines) == 52
    assert lines[-1].strip() == "│ … 950 more lines"


def test_colours_tie_the_lines_of_a_run_together() -> None:
    renderer = Renderer(coloured=True)
    first = renderer.lines(RunStarted(at=AT, run=RUN, function="f", version=1, reason="x"), 100)[0]
    last = renderer.lines(RunEnded(at=AT, run=RUN, status="completed", seconds=1, reason="x"), 100)[0]
    of_run = re.search("\x1b\\[38;5;\\d+mA1B2C3", first)
    assert of_run
    assert of_run[0] in last
