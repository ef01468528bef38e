"""A `status` (or `statusCode`) in the output says whether the step succeeded, and whether to try again."""

import json

import pytest

from tests.drivers.calls import error_of
from tests.drivers.conformance.attempts import attempt
from tests.drivers.subjects.subject import Subject


@pytest.mark.parametrize("key", ["status", "statusCode"])
@pytest.mark.parametrize(("status", "ok", "retryable"), [(200, True, True), (399, True, True), (400, False, False)])
def test_a_status_in_the_output_below_400_is_success(
    subject: Subject, key: str, status: int, ok: bool, retryable: bool
) -> None:
    outcome = attempt(subject, subject.returning(json.dumps({key: status, "body": "b"})))
    assert (outcome.ok, outcome.retryable) == (ok, retryable)


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (429, False), (499, False), (500, True), (503, True)])
def test_a_status_of_400_fails_for_good_and_of_500_is_tried_again_with_the_output_kept(
    subject: Subject, status: int, retryable: bool
) -> None:
    outcome = attempt(subject, subject.returning(json.dumps({"status": status, "body": "why"})))
    assert error_of(outcome) == ("StatusError", f"the step's output has status {status}")
    assert outcome.retryable is retryable
    assert json.loads(outcome.output or "")["body"] == "why"


@pytest.mark.parametrize("status", ['"500"', "null", "true", "[500]", '{"a":500}'])
def test_a_status_that_is_no_number_means_nothing(subject: Subject, status: str) -> None:
    assert attempt(subject, subject.returning(f'{{"status":{status}}}')).ok


def test_a_failure_is_tried_again_and_says_why_in_text_that_can_be_stored(subject: Subject) -> None:
    outcome = attempt(subject, subject.failing("no luck \x00 today"))
    assert not outcome.ok
    assert outcome.retryable
    assert not outcome.unavailable
    assert outcome.error is not None
    assert outcome.error.name
    assert outcome.error.message
    assert "\x00" not in outcome.error.name + outcome.error.message + outcome.error.stack + outcome.log
