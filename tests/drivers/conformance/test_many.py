"""One driver serves every thread of a process."""

import dataclasses
import json

from tests.drivers.conformance.attempts import attempt, side_by_side
from tests.drivers.subjects.subject import Subject

AT_ONCE = 200


def test_two_hundred_at_once_each_get_their_own_answer(subject: Subject) -> None:
    call = dataclasses.replace(subject.echoing(), timeout=120.0)
    attempt(subject, call)
    answers: dict[int, object] = {}

    def work(number: int) -> None:
        payload = json.dumps({"event": {"data": [number, "x" * number]}}).encode()
        outcome = attempt(subject, dataclasses.replace(call, payload=payload))
        answers[number] = json.loads(outcome.output or "null") if outcome.ok else outcome.error

    side_by_side(work, AT_ONCE)
    expected = {number: {"event": {"data": [number, "x" * number]}} for number in range(AT_ONCE)}
    assert {number: answer for number, answer in answers.items() if answer != expected[number]} == {}
    assert len(answers) == AT_ONCE
