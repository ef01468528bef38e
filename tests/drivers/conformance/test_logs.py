"""What a step writes beside its output is kept with the attempt, up to a size."""

import dataclasses
import json

import pytest

from drivers.contract import Limits
from tests.drivers.conformance.attempts import attempt
from tests.drivers.subjects.subject import Subject

pytestmark = pytest.mark.needs("logging")


def test_log_lines_are_kept_in_order_apart_from_the_output(subject: Subject) -> None:
    outcome = attempt(subject, subject.logging(["one", "two  ", "dr\u00fceben \U0001f600"], '{"a":1}'))
    assert outcome.ok
    assert outcome.log.splitlines() == ["one", "two  ", "dr\u00fceben \U0001f600"]
    assert json.loads(outcome.output or "") == {"a": 1}


def test_a_step_that_writes_no_log_has_none(subject: Subject) -> None:
    assert attempt(subject, subject.returning("1")).log == ""


def test_a_log_beyond_its_limit_is_cut_and_says_so_and_the_step_goes_on(subject: Subject) -> None:
    call = subject.logging([f"line {number} {'x' * 90}" for number in range(500)], '{"a":1}')
    outcome = attempt(subject, dataclasses.replace(call, limits=Limits(log_bytes=4096)))
    assert outcome.ok
    assert outcome.log.startswith("line 0 x")
    assert len(outcome.log) < 4096 + 200
    assert "longer than 4,096 bytes" in outcome.log.splitlines()[-1]


def test_a_log_is_text_that_can_be_stored(subject: Subject) -> None:
    outcome = attempt(subject, subject.logging(["nul \x00 here"], "1"))
    assert outcome.ok
    assert "\x00" not in outcome.log
    assert outcome.log.startswith("nul ")
