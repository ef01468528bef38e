import re

import pytest

from apps.datastore.definition import CancelOn, Throttle, parse
from tests.datastore.definition.documents_of_tests import FILES, document, faults_of


@pytest.mark.parametrize("key", ["event.data.order_id", "{{ event.data.order_id }}", "order-{{ event.data.order_id }}"])
def test_an_idempotency_key_is_an_expression_or_text_with_some(key: str) -> None:
    assert parse(document(idempotency=key), FILES).idempotency == key


def test_a_throttle_limits_starts_for_each_value_of_its_key() -> None:
    throttle = {"count": 10, "period": "1m", "key": "{{ event.user.id }}"}
    assert parse(document(throttle=throttle), FILES).throttle == Throttle(10, 60.0, "{{ event.user.id }}")
    del throttle["key"]
    assert parse(document(throttle=throttle), FILES).throttle == Throttle(10, 60.0)


def test_idempotency_and_a_throttle_may_stand_together() -> None:
    definition = parse(document(idempotency="event.id", throttle={"count": 1, "period": "1h"}), FILES)
    assert definition.idempotency == "event.id"
    assert definition.throttle == Throttle(1, 3_600.0)


def test_cancelling_events_keep_their_order() -> None:
    cancel = [
        {"event": "user/deleted", "if": "async.data.id == event.data.id", "timeout": "1d"},
        {"event": "everything/stopped"},
    ]
    assert parse(document(cancel=cancel), FILES).cancel == (
        CancelOn("user/deleted", "async.data.id == event.data.id", 86_400.0),
        CancelOn("everything/stopped"),
    )


WRONG: list[tuple[str, object, str, str]] = [
    ("idempotency", 3, "", "must be text"),
    ("idempotency", "event.data.", "", "is not an expression: column 12: "),
    ("idempotency", "a {{ event.data. }}", "", "is not an expression: column "),
    ("idempotency", "{{ response.id }}", "", "response"),
    ("throttle", 10, "", "must be an object"),
    ("throttle", {}, ".count", "is missing"),
    ("throttle", {"count": 0, "period": "1m"}, ".count", "must be from 1"),
    ("throttle", {"count": 1.5, "period": "1m"}, ".count", "not a fraction"),
    ("throttle", {"count": 1}, ".period", "is missing"),
    ("throttle", {"count": 1, "period": "0s"}, ".period", "more than zero"),
    ("throttle", {"count": 1, "period": "1m", "key": "async.data.id"}, ".key", "is not an expression: .*async"),
    ("throttle", {"count": 1, "period": "1m", "burst": 1}, ".burst", "unknown field"),
    ("throttle", {"count": 1, "limit": 1, "period": "1m"}, ".limit", "unknown field"),
    ("throttle", {"limit": 1}, ".period", "is missing"),
    ("cancel", {"event": "a"}, "", "must be an array"),
    ("cancel", [], "", "must not be empty"),
    ("cancel", [{"event": str(n)} for n in range(101)], "", "the limit is 100"),
    ("cancel", ["a"], "[0]", "must be an object"),
    ("cancel", [{"if": "true"}], "[0].event", "is missing"),
    ("cancel", [{"event": "a\n"}], "[0].event", "control characters"),
    ("cancel", [{"event": "a", "if": "steps.a.ok"}], "[0].if", "is not an expression: .*steps"),
    ("cancel", [{"event": "a", "timeout": "x"}], "[0].timeout", "must be a duration"),
    ("cancel", [{"event": "a", "match": "data.id"}], "[0].match", "unknown field"),
    ("cancel", [{"event": "a"}, {"event": "b"}, {"event": "a"}], "[2]", r"is the same as \$.cancel\[0\]"),
]


@pytest.mark.parametrize(("field", "value", "path", "message"), WRONG)
def test_a_limit_s_fault_is_named_with_its_path(field: str, value: object, path: str, message: str) -> None:
    faults = faults_of(document(**{field: value}))
    assert path in {found.removeprefix(f"$.{field}") for found in faults}
    assert re.search(message, faults[f"$.{field}{path}"]), faults
    assert len(faults) == 1 or value == {}
