"""A version's definition is kept as JSON; what was written once is read for ever."""

import json

from apps.datastore.definition import (
    Async,
    CancelOn,
    CronTrigger,
    Edge,
    EventTrigger,
    FunctionDefinition,
    Runtime,
    Step,
    Throttle,
    from_json,
    parse,
    to_json,
)
from tests.datastore.definition.documents_of_tests import HTTP, document

STEPS = {
    "a": {"runtime": HTTP},
    "b": {"runtime": HTTP},
    "c": {
        "runtime": HTTP,
        "after": [
            {"step": "a", "if": "response.ok", "wait": "1h"},
            {"step": "a", "wait": "0s"},
            {"step": "a", "wait": "date(event.data.ends)"},
            {"steps": ["a", "b"], "async": {"event": "x", "match": "async.data.id == event.data.id", "ttl": "1d"}},
            {"step": "b", "async": {"event": "x", "ttl": "1500ms", "onTimeout": True}},
        ],
    },
}
WHOLE = document(
    triggers=[{"event": "a", "expression": "event.data.vip"}, {"event": "b"}, {"cron": "TZ=Asia/Tokyo 0 9 * * *"}],
    idempotency="{{ event.data.id }}",
    throttle={"count": 3, "period": "1.5s", "key": "event.user.id"},
    cancel=[{"event": "stop", "if": "async.data.id == event.data.id", "timeout": "7d"}, {"event": "halt"}],
    steps=STEPS,
)


def test_every_field_is_the_same_after_its_json() -> None:
    definition = parse(WHOLE, {})
    assert from_json(to_json(definition)) == definition
    assert definition.crons == (CronTrigger("TZ=Asia/Tokyo 0 9 * * *", "0 9 * * *", "Asia/Tokyo"),)
    assert definition.throttle == Throttle(3, 1.5, "event.user.id")
    assert definition.cancel[1] == CancelOn("halt")
    assert definition.steps["c"].after[3] == Edge(
        steps=("a", "b"), listen=Async("x", 86_400.0, "async.data.id == event.data.id")
    )


def test_what_an_earlier_server_wrote_is_still_read() -> None:
    step = {"id": "a", "name": "a", "path": "", "runtime": {"type": "http", "options": {"url": "http://a"}}}
    written = {"after": [{"step": "$trigger"}], "attempts": 3, "timeout": 900.0}
    text = json.dumps({"id": "f", "name": "F", "triggers": [{"event": "a"}], "steps": {"a": {**step, **written}}})
    assert from_json(text) == FunctionDefinition(
        "f",
        "F",
        (EventTrigger("a"),),
        {"a": Step("a", "a", "", Runtime("http", {"url": "http://a"}), (Edge("$trigger"),), 3, 900.0)},
    )


def test_a_function_that_uses_nothing_new_is_written_as_before() -> None:
    written = json.loads(to_json(parse(document(steps={"a": {"runtime": HTTP}}), {})))
    assert list(written) == ["id", "name", "triggers", "steps"]
    assert written["triggers"] == [{"event": "user/signed.up"}]
    assert written["steps"]["a"]["after"] == [{"step": "$trigger"}]
