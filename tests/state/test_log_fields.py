"""Records as lines of the log that machines read."""

import json
import logging
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pytest_django import Settings

from apps.state import told as all_told
from apps.state.teller import tell
from apps.state.told import (
    AnyTold,
    Error,
    EventReceived,
    Folded,
    NotStarted,
    RunEnded,
    RunStarted,
    Sleeping,
    StepRunning,
    StepSaid,
    StepTried,
    Told,
    Waiting,
    kind_of,
)
from inngest_server.logs import configure_logs

PAYLOAD = "4111 1111"
STEP: dict[str, Any] = {"run": "01RUN", "function": "shop", "step": "charge", "step_id": "charge"}
RECORDS: list[Told] = [
    EventReceived(id="01EVENT", name="shop/paid", data=PAYLOAD, sets_off=1),
    NotStarted(event_id="01EVENT", function="shop", reason=f"event 01X has started it already, for {PAYLOAD}"),
    RunStarted(run="01RUN", function="shop", version=3, reason="event shop/paid 01EVENT"),
    RunEnded(run="01RUN", function="shop", status="completed", seconds=1.5, reason="", output=PAYLOAD),
    StepRunning(**STEP, attempt=1, seconds=2.5),
    StepTried(
        **STEP,
        status="failed",
        attempt=1,
        attempts=2,
        seconds=0.5,
        output=PAYLOAD,
        error=Error("TypeError", "there is no card", PAYLOAD),
        log=PAYLOAD,
    ),
    StepSaid(**STEP, status="completed", reason="event shop/paid 01EVENT", output=PAYLOAD),
    Sleeping(**STEP, until=1.5),
    Waiting(**STEP, event_name="shop/paid", match=f"async.data.card == '{PAYLOAD}'", until=2.5),
    Folded(counts={"run.completed": 3}),
]


@pytest.fixture
def formatter() -> Iterator[logging.Formatter]:
    """The one of every process outside dev mode."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in list(logging.Logger.manager.loggerDict))]
    levels = [(logger, logger.level) for logger in loggers]
    handlers = logging.getLogger().handlers[:]
    configure_logs("INFO", for_people=False)
    made = logging.getLogger().handlers[0].formatter
    assert made
    yield made
    logging.getLogger().handlers[:] = handlers
    for logger, level in levels:
        logger.setLevel(level)


def test_every_kind_of_record_is_among_these() -> None:
    assert {type(one) for one in RECORDS} == set(get_args(AnyTold))


@pytest.mark.parametrize("record", RECORDS, ids=kind_of)
def test_every_kind_is_logged_under_its_name_and_without_payloads(
    record: Told, formatter: logging.Formatter, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LOG_RUNS, settings.DEV_SOCKET = True, ""
    with caplog.at_level(logging.INFO, logger="inngest.runs"):
        tell([record])
    (logged,) = caplog.records
    text = formatter.format(logged)
    line = json.loads(text)
    assert (line["event"], line["logger"]) == (kind_of(record), "inngest.runs")
    assert line["level"] == ("warning" if record.is_loud else "info")
    assert "T" in line["timestamp"]
    assert PAYLOAD not in text


def test_what_is_logged_says_what_happened_to_what(
    formatter: logging.Formatter, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LOG_RUNS, settings.DEV_SOCKET = True, ""
    with caplog.at_level(logging.INFO, logger="inngest.runs"):
        tell(RECORDS)
    lines = {line["event"]: line for line in (json.loads(formatter.format(one)) for one in caplog.records)}
    assert lines["event.received"]["event_name"] == lines["step.waiting"]["event_name"] == "shop/paid"
    assert lines["event.received"]["event_id"] == lines["event.not_started"]["event_id"] == "01EVENT"
    assert lines["step.failed"]["error"] == {"name": "TypeError", "message": "there is no card"}
    assert (lines["step.failed"]["function"], lines["step.failed"]["seconds"]) == ("shop", 0.5)


def test_texts_over_the_socket_are_cut_where_they_may_be_long() -> None:
    stack = "\n".join(f"at frame {number}" for number in range(10_000))
    cut = all_told.both_ends(stack)
    assert len(cut) <= all_told.ERROR_CHARS
    assert cut.startswith("at frame 0\n")
    assert cut.endswith("\nat frame 9999")
    assert all_told.both_ends("short") == "short"
