"""No step gives back, writes or takes more than it may, and none takes the worker with it."""

import dataclasses
import json

import psutil
import pytest

from drivers.contract import MIB, Limits
from tests.drivers.calls import error_of
from tests.drivers.conformance.attempts import attempt
from tests.drivers.subjects.subject import Subject


def test_an_output_over_the_limit_fails_for_good_and_names_limit_and_size(subject: Subject) -> None:
    call = dataclasses.replace(subject.returning(json.dumps("x" * 5000)), limits=Limits(output_bytes=4096))
    outcome = attempt(subject, call)
    name, message = error_of(outcome)
    assert name == "OutputTooLarge"
    assert "4,096" in message
    assert "5,002" in message or "at least 4,097" in message
    assert not outcome.retryable


def test_an_output_of_just_the_limit_is_kept(subject: Subject) -> None:
    call = dataclasses.replace(subject.returning(json.dumps("x" * 4094)), limits=Limits(output_bytes=4096))
    assert len(attempt(subject, call).output or "") == 4096


@pytest.mark.needs("writing")
def test_text_counts_as_it_is_kept(subject: Subject) -> None:
    # Quotes double when the text becomes a JSON string.
    call = dataclasses.replace(subject.writing(b'"' * 3000), limits=Limits(output_bytes=4096))
    assert error_of(attempt(subject, call))[0] == "OutputTooLarge"


@pytest.mark.needs("flooding")
def test_output_without_end_ends_the_step_for_good(subject: Subject) -> None:
    before = psutil.Process().memory_info().rss
    limits = Limits(output_bytes=MIB, log_bytes=64 * 1024)
    outcome = attempt(subject, dataclasses.replace(subject.flooding(), limits=limits, timeout=60.0))
    assert error_of(outcome)[0] == "OutputTooLarge"
    assert not outcome.retryable
    assert len(outcome.log) < 66 * 1024
    assert psutil.Process().memory_info().rss - before < 150 * MIB


@pytest.mark.needs("hoarding")
def test_memory_without_end_ends_the_step_and_leaves_the_worker_alone(subject: Subject) -> None:
    before = psutil.Process().memory_info().rss
    outcome = attempt(subject, dataclasses.replace(subject.hoarding(), timeout=60.0))
    assert error_of(outcome)[0] == "MemoryLimit"
    assert psutil.Process().memory_info().rss - before < 200 * MIB
    assert attempt(subject, subject.echoing()).ok
