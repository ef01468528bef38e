"""Runtimes whose steps are programs: any exit code but zero is a failure."""

import json

import pytest

from tests.drivers.calls import error_of
from tests.drivers.conformance.attempts import attempt
from tests.drivers.subjects.subject import Subject

pytestmark = pytest.mark.needs("exiting")


@pytest.mark.parametrize("code", [1, 2, 42, 125])
def test_an_exit_code_is_a_failure_that_is_tried_again_with_the_output_kept(subject: Subject, code: int) -> None:
    outcome = attempt(subject, subject.exiting(code, '{"half":true}'))
    name, message = error_of(outcome)
    assert name == "ExitCode"
    assert str(code) in message
    assert outcome.retryable
    assert json.loads(outcome.output or "") == {"half": True}


def test_exit_code_zero_is_success_whatever_was_written_before(subject: Subject) -> None:
    outcome = attempt(subject, subject.exiting(0, '{"all":true}'))
    assert outcome.ok
    assert json.loads(outcome.output or "") == {"all": True}


@pytest.mark.parametrize(("status", "retryable"), [(200, True), (404, False), (503, True)])
def test_a_failed_program_s_status_says_whether_to_try_again(subject: Subject, status: int, retryable: bool) -> None:
    outcome = attempt(subject, subject.exiting(1, json.dumps({"status": status})))
    assert error_of(outcome)[0] == "ExitCode"
    assert outcome.retryable is retryable


def test_a_program_that_fails_without_output_keeps_none(subject: Subject) -> None:
    outcome = attempt(subject, subject.exiting(1, ""))
    assert error_of(outcome)[0] == "ExitCode"
    assert outcome.output is None
