"""What a step gets, and what becomes of what it gives back."""

import dataclasses
import json

import pytest

from drivers.registry import queue_for
from tests.drivers.calls import PAYLOAD
from tests.drivers.conformance.attempts import attempt
from tests.drivers.subjects.subject import Subject


def test_it_runs_on_the_queue_that_the_registry_names(subject: Subject) -> None:
    assert subject.driver.queue == queue_for(subject.runtime)


def test_a_step_gets_its_input_and_its_output_comes_back(subject: Subject) -> None:
    outcome = attempt(subject, dataclasses.replace(subject.echoing(), payload=PAYLOAD))
    assert outcome.ok
    assert outcome.error is None
    assert json.loads(outcome.output or "") == json.loads(PAYLOAD)


def test_a_large_input_arrives_whole(subject: Subject) -> None:
    payload = json.dumps({"event": {"data": "é" * 300_000}}).encode()  # far beyond what one argument may be
    outcome = attempt(subject, dataclasses.replace(subject.echoing(), payload=payload))
    assert outcome.ok
    assert json.loads(outcome.output or "") == json.loads(payload)


@pytest.mark.parametrize("text", ["null", "true", "0", '"text"', "[]", "[1,[2]]", "{}", '{"a":{"status":500}}'])
def test_any_json_value_is_an_output(subject: Subject, text: str) -> None:
    outcome = attempt(subject, subject.returning(text))
    assert outcome.ok
    assert json.loads(outcome.output or "") == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        r'"\u0000"',
        r'"\ud800"',
        r'{"\ud800\u0000":["\udfff"]}',
        "[" * 1000 + "]" * 1000,
        '{"a":' * 999 + "1" + "}" * 999,
    ],
    ids=["nul", "lone surrogate", "in keys", "1000 arrays", "1000 objects"],
)
def test_odd_but_valid_json_passes_through(subject: Subject, text: str) -> None:
    outcome = attempt(subject, subject.returning(text))
    assert outcome.ok
    assert (outcome.output or "").replace(" ", "") == text


@pytest.mark.parametrize(
    "text", [r'"\u0000\ud800"', "[" * 1000 + "]" * 1000, "1e400000", '"\U0001f600"'], ids=["nul", "deep", "huge", "🙂"]
)
def test_odd_but_valid_json_reaches_the_step(subject: Subject, text: str) -> None:
    payload = f'{{"event":{{"data":{text}}}}}'.encode()
    assert attempt(subject, dataclasses.replace(subject.echoing(), payload=payload)).ok


@pytest.mark.needs("writing")
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"", ""),
        (b"done\n", "done\n"),
        (b"{'a': 1}", "{'a': 1}"),
        (b"NaN", "NaN"),
        (b"caf\xe9", "caf\ufffd"),
        (b'"caf\xe9"', '"caf\ufffd"'),
        (b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
    ],
)
def test_what_is_not_json_or_not_utf_8_is_kept_as_text(subject: Subject, data: bytes, body: str) -> None:
    outcome = attempt(subject, subject.writing(data))
    assert outcome.ok
    assert json.loads(outcome.output or "") == {"body": body}


@pytest.mark.needs("writing")
def test_json_of_several_lines_is_one_value(subject: Subject) -> None:
    outcome = attempt(subject, subject.writing(b'\n{\n  "a": 1,\n  "b": [\n1\n]\n}\n'))
    assert json.loads(outcome.output or "") == {"a": 1, "b": [1]}
    assert outcome.log == ""


@pytest.mark.needs("exiting")  # only what has a standard output has lines there
@pytest.mark.parametrize("lines", ['{"n":1}\n{"n":2}\n', "starting\r\ncaf\u00e9\n"])
def test_the_last_line_is_the_output_and_the_lines_before_it_are_log(subject: Subject, lines: str) -> None:
    outcome = attempt(subject, subject.writing(f'{lines}{{"n":3}}\n\n'.encode()))
    assert json.loads(outcome.output or "") == {"n": 3}
    assert outcome.log.splitlines() == lines.splitlines()
