"""A step ends when its time is over, or when it is told to, whatever it is doing."""

import dataclasses
import time

import pytest

from drivers.contract import Abort, AbortReason
from tests.drivers.calls import error_of
from tests.drivers.conformance.attempts import Running, attempt
from tests.drivers.subjects.subject import Subject

REASONS: list[AbortReason] = ["handover", "cancel"]


def test_a_step_that_hangs_is_ended_at_its_timeout(subject: Subject) -> None:
    attempt(subject, subject.echoing())
    started = time.monotonic()
    outcome = attempt(subject, dataclasses.replace(subject.hanging(), timeout=0.3))
    assert error_of(outcome) == ("StepTimeout", "the step did not finish within 0.3 s")
    assert outcome.retryable
    assert 0.3 <= time.monotonic() - started < 5.0


@pytest.mark.parametrize("reason", REASONS)
def test_an_abort_ends_a_running_step_promptly(subject: Subject, reason: AbortReason) -> None:
    attempt(subject, subject.echoing())
    running = Running(subject, subject.hanging())
    assert running.lasts(0.5)
    running.stop(reason)
    assert error_of(running.wait(5.0))[0] == "StepAborted"


@pytest.mark.parametrize("reason", REASONS)
def test_an_abort_set_before_the_call_ends_it_at_once(subject: Subject, reason: AbortReason) -> None:
    abort = Abort()
    abort.set(reason)
    started = time.monotonic()
    assert error_of(attempt(subject, subject.hanging(), abort))[0] == "StepAborted"
    assert time.monotonic() - started < 5.0


def test_aborting_one_call_leaves_the_others_alone(subject: Subject) -> None:
    attempt(subject, subject.echoing())
    hanging, echoing = Running(subject, subject.hanging()), subject.echoing()
    outcomes = [attempt(subject, echoing)]
    hanging.stop("cancel")
    outcomes += [attempt(subject, echoing) for _ in range(5)]
    hanging.wait(5.0)
    assert all(outcome.ok for outcome in outcomes)


def test_an_abort_after_the_end_does_nothing(subject: Subject) -> None:
    abort = Abort()
    outcome = attempt(subject, subject.returning("1"), abort)
    abort.set("cancel")
    assert outcome.ok
    assert attempt(subject, subject.returning("1")).ok
