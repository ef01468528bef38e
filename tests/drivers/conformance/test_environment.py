"""A step's variables are its own: some hold secrets."""

import dataclasses
import json
from collections.abc import Mapping

import pytest

from drivers.contract import Call
from tests.drivers.conformance.attempts import attempt, side_by_side
from tests.drivers.subjects.subject import Subject

pytestmark = pytest.mark.needs("telling_variable")


def told(subject: Subject, name: str, env: Mapping[str, str]) -> object:
    call: Call = dataclasses.replace(subject.telling_variable(name), env=env)
    outcome = attempt(subject, call)
    assert outcome.ok, outcome.error
    return json.loads(outcome.output or "")["value"]


@pytest.mark.parametrize(
    "value", ["s3cret", "", "a b=c", "'\"$HOME`x`\\", "dr\u00fceben \U0001f600", "x" * 30_000], ids=repr
)
def test_a_step_has_its_variables_to_the_character(subject: Subject, value: str) -> None:
    assert told(subject, "A_SECRET", {"A_SECRET": value, "OTHER": "x"}) == value


def test_a_step_has_none_of_the_worker_s_variables(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS_OWN", "not for steps")
    assert told(subject, "WORKERS_OWN", {}) is None


def test_a_step_has_nothing_of_the_step_before_it_or_beside_it(subject: Subject) -> None:
    assert told(subject, "A_SECRET", {"A_SECRET": "first"}) == "first"
    assert told(subject, "A_SECRET", {}) is None
    found: dict[int, object] = {}

    def tell(number: int) -> None:
        found[number] = told(subject, "A_SECRET", {"A_SECRET": str(number)} if number % 2 else {})

    side_by_side(tell, 8)
    assert found == {number: str(number) if number % 2 else None for number in range(8)}


def test_a_failure_says_nothing_of_the_variables(subject: Subject) -> None:
    call = dataclasses.replace(subject.failing("no luck"), env={"A_SECRET": "s3cret-value"})
    outcome = attempt(subject, call)
    assert "s3cret-value" not in str((outcome.error, outcome.output, outcome.log))
