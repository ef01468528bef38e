"""What an SDK's answer asks for, put in our words; what cannot be understood is named, with its place."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.executor.asked import (
    Asked,
    CallAgain,
    Invoke,
    Opcode,
    Request,
    Returned,
    RunStep,
    Sleep,
    StepFailing,
    StepRan,
    Unsupported,
    WaitForEvent,
    WaitForSignal,
)
from apps.executor.opcodes import (
    MAX_ID_CHARS,
    MAX_NAME_CHARS,
    BadAnswer,
    parse_opcodes,
)

STEP = Asked("h1", "a step", "last")
OTHER = {"id": "h2", "op": "StepPlanned"}


def opcode(op: str, **fields: Any) -> dict[str, Any]:
    return {"id": "h1", "op": op, "displayName": "a step", **fields}


def parse(*opcodes: object, version: int | None = 2) -> list[Opcode]:
    return parse_opcodes(json.dumps(opcodes), version)


def fault(*opcodes: object) -> str:
    with pytest.raises(BadAnswer) as raised:
        parse(*opcodes)
    return str(raised.value)


def error(name: str = "ValueError", message: str = "boom", stack: str = "") -> str:
    return json.dumps({"name": name, "message": message, "stack": stack}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (opcode("StepRun", data={"a": 1}), StepRan(STEP, True, '{"a": 1}')),
        (opcode("Step", data=None), StepRan(STEP, True, "null")),
        (opcode("StepRun"), StepRan(STEP, True, "null")),
        (opcode("StepFailed", error={"name": "ValueError", "message": "boom"}), StepRan(STEP, False, error())),
        (opcode("StepError", error={"name": "ValueError", "message": "boom"}), StepFailing(STEP, error())),
        (opcode("StepPlanned", data="ignored"), RunStep(STEP)),
        (opcode("Sleep", name="1h30m"), Sleep(STEP, 5400.0)),
        (opcode("Sleep", name="a name", opts={"duration": "2d"}), Sleep(STEP, 172_800.0)),
        (opcode("Sleep", name="2030-01-02T03:04:05Z"), Sleep(STEP, datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))),
        (opcode("WaitForEvent", name="paid", opts={"timeout": "1h"}), WaitForEvent(STEP, "paid", None, 3600.0)),
        (
            opcode(
                "WaitForEvent", name="x", opts={"event": "paid", "timeout": "1h", "if": "async.data.n == event.data.n"}
            ),
            WaitForEvent(STEP, "paid", "async.data.n == event.data.n", 3600.0),
        ),
        (
            opcode("WaitForEvent", name="paid", opts={"timeout": "1h", "if": ""}),
            WaitForEvent(STEP, "paid", None, 3600.0),
        ),
        (opcode("WaitForSignal", name="s", opts={"timeout": "5m"}), WaitForSignal(STEP, "s", 300.0, False)),
        (
            opcode("WaitForSignal", opts={"signal": "s", "timeout": "5m", "conflict": "replace"}),
            WaitForSignal(STEP, "s", 300.0, True),
        ),
        (
            opcode("InvokeFunction", opts={"function_id": "app-fn"}),
            Invoke(STEP, "app-fn", b"{}", b"{}", None, None),
        ),
        (
            opcode(
                "InvokeFunction",
                opts={"function_id": "f", "payload": {"data": {"n": 1}, "user": {"id": 2}, "v": "3"}, "timeout": "1m"},
            ),
            Invoke(STEP, "f", b'{"n": 1}', b'{"id": 2}', "3", 60.0),
        ),
        (
            opcode("InvokeFunction", opts={"function_id": "f", "payload": None}),
            Invoke(STEP, "f", b"{}", b"{}", None, None),
        ),
        (opcode("Gateway", opts={"url": "http://a"}), Request(STEP, "fetch", '{"url": "http://a"}')),
        (opcode("AIGateway", opts={"url": "http://a"}), Request(STEP, "infer", '{"url": "http://a"}')),
        (opcode("RunComplete", data=[1]), Returned("[1]")),
        (opcode("DiscoveryRequest"), CallAgain()),
        (opcode("DeferAdd"), Unsupported("$[0].op: 'DeferAdd' is not supported by this server")),
    ],
)
def test_each_opcode_has_its_words(given: dict[str, Any], expected: Opcode) -> None:
    assert parse(given) == [expected]


def test_an_answer_may_ask_for_several_things_in_order() -> None:
    assert parse(opcode("StepPlanned"), OTHER) == [RunStep(STEP), RunStep(Asked("h2", "h2", "last"))]
    assert parse() == []


def test_a_step_is_named_as_its_author_wrote_it_else_by_its_name_else_by_its_id() -> None:
    for fields, name in (
        ({"displayName": "shown", "name": "n"}, "shown"),
        ({"displayName": None, "name": "n"}, "n"),
        ({"displayName": "", "name": None}, "h1"),
        ({"displayName": "x" * 5_000}, "x" * MAX_NAME_CHARS),
        ({"displayName": "a\0b"}, "a\ufffdb"),
    ):
        assert parse({**opcode("StepPlanned"), **fields}) == [RunStep(Asked("h1", name, "last"))]


def test_what_is_not_known_of_an_opcode_is_no_fault() -> None:
    assert parse(opcode("StepPlanned", userland={"id": "a"}, opts={"new": [1]}, error=None)) == [RunStep(STEP)]
    assert parse(opcode("StepPlanned", opts=None)) == [RunStep(STEP)]


@pytest.mark.parametrize(
    ("version", "count", "opts", "expected"),
    [
        (2, 2, {}, "last"),
        (2, 1, {"parallelMode": "race"}, "each"),
        (2, 1, {"parallelMode": "wait"}, "last"),
        (2, 1, {"parallelMode": {"no": "text"}}, "last"),
        (1, 1, {}, "last"),
        (1, 2, {}, "each"),
        (0, 2, {}, "last"),
        (None, 2, {}, "last"),
    ],
)
def test_steps_that_race_have_the_function_called_each_time(
    version: int | None, count: int, opts: dict[str, object], expected: str
) -> None:
    [first, *_] = parse(*[opcode("StepPlanned", opts=opts), OTHER][:count], version=version)
    assert first == RunStep(STEP._replace(calls_again=expected))


LONG = "x" * (MAX_ID_CHARS + 1)
FAULTS = [
    (1, "$[2] is not an opcode: "),
    ({"op": "Sleep"}, "$[2] is not an opcode: Object missing required field `id`"),
    ({"id": "a"}, "$[2] is not an opcode: Object missing required field `op`"),
    ({"id": 1, "op": "Sleep"}, "$[2] is not an opcode: "),
    (opcode("StepPlanned", displayName=1), "$[2] is not an opcode: "),
    ({"id": "", "op": "StepRun"}, "$[2].id: '' cannot be a step's id"),
    ({"id": LONG, "op": "StepRun"}, f"$[2].id: {LONG[:100]!r} cannot be"),
    ({"id": "a\0", "op": "StepRun"}, "$[2].id: 'a\\x00' cannot be"),
    ({"id": "step", "op": "StepRun"}, "$[2].id: 'step' cannot be"),
    (opcode("StepRun", opts=[]), "$[2].opts is not an object"),
    (opcode("Sleep"), "$[2].name: a sleep says how long"),
    (opcode("Sleep", name="soon"), "$[2].name: 'soon' must be a duration such as"),
    (opcode("Sleep", name="101w" * 30), "$[2].name: "),
    (opcode("Sleep", name="1000000w"), "$[2].name: '1000000w' a duration is at most 100 years"),
    (opcode("Sleep", opts={"duration": "1x"}), "$[2].opts.duration: '1x' must be"),
    (opcode("Sleep", opts={"duration": 5}), "$[2].opts.duration is not a text"),
    (opcode("WaitForEvent", name="e"), "$[2].opts.timeout is missing"),
    (opcode("WaitForEvent", name="e", opts={"timeout": 5}), "$[2].opts.timeout is not a text"),
    (opcode("WaitForEvent", name="e", opts={"timeout": "never"}), "$[2].opts.timeout: 'never' must be"),
    (opcode("WaitForEvent", opts={"timeout": "1h"}), "$[2].name: 'None' cannot be an event's name"),
    (opcode("WaitForEvent", name=LONG, opts={"timeout": "1h"}), "$[2].name: "),
    (opcode("WaitForEvent", name="a\0", opts={"timeout": "1h"}), "$[2].name: "),
    (opcode("WaitForEvent", opts={"event": {}, "timeout": "1h"}), "$[2].opts.event is not a text"),
    (opcode("WaitForEvent", name="e", opts={"timeout": "1h", "if": "a =="}), "$[2].opts.if: "),
    (opcode("WaitForEvent", name="e", opts={"timeout": "1h", "if": "steps.a == 1"}), "$[2].opts.if: "),
    (opcode("WaitForEvent", name="e", opts={"timeout": "1h", "if": True}), "$[2].opts.if is not a text"),
    (opcode("WaitForEvent", name="e", opts={"timeout": "1h", "if": "event.id == 'a\0'"}), "$[2].opts.if: "),
    (opcode("WaitForSignal", opts={"timeout": "1h"}), "$[2].opts.signal: 'None' cannot be a signal"),
    (opcode("WaitForSignal", opts={"signal": LONG, "timeout": "1h"}), "$[2].opts.signal: "),
    (opcode("WaitForSignal", opts={"signal": "a\0", "timeout": "1h"}), "$[2].opts.signal: "),
    (opcode("WaitForSignal", opts={"signal": 1, "timeout": "1h"}), "$[2].opts.signal is not a text"),
    (opcode("WaitForSignal", opts={"signal": "s"}), "$[2].opts.timeout is missing"),
    (opcode("WaitForSignal", opts={"signal": "s", "timeout": "1h", "conflict": 1}), "$[2].opts.conflict is not a text"),
    (opcode("InvokeFunction"), "$[2].opts.function_id is missing"),
    (opcode("InvokeFunction", opts={"function_id": 1}), "$[2].opts.function_id is not a text"),
    (
        opcode("InvokeFunction", opts={"function_id": "a\0"}),
        "$[2].opts.function_id: 'a\\x00' cannot be a function's id",
    ),
    (opcode("InvokeFunction", opts={"function_id": "f", "payload": 1}), "$[2].opts.payload is not an object"),
    (
        opcode("InvokeFunction", opts={"function_id": "f", "payload": {"data": 1}}),
        "$[2].opts.payload.data is not an object",
    ),
    (
        opcode("InvokeFunction", opts={"function_id": "f", "payload": {"user": []}}),
        "$[2].opts.payload.user is not an object",
    ),
    (opcode("InvokeFunction", opts={"function_id": "f", "payload": {"v": 1}}), "$[2].opts.payload.v is not a text"),
    (opcode("InvokeFunction", opts={"function_id": "f", "timeout": "x"}), "$[2].opts.timeout: 'x' must be"),
    (opcode("Gateway"), "$[2].opts.url is missing"),
    (opcode("AIGateway", opts={"url": 1}), "$[2].opts.url is not a text"),
    (opcode("StepNotFound"), "the function has no step 'a step' (h1) any more: it has changed under its run"),
]


@pytest.mark.parametrize(("given", "expected"), FAULTS)
def test_a_fault_is_named_with_its_place(given: object, expected: str) -> None:
    assert fault(OTHER, {"id": "h3", "op": "StepPlanned"}, given).startswith(expected)


@pytest.mark.parametrize("text", ["", "{}", "null", "[", '[{"id":"a"}', "[1] 2", '"text"'])
def test_what_is_no_array_is_a_fault(text: str) -> None:
    with pytest.raises(BadAnswer, match="its opcodes are not an array"):
        parse_opcodes(text, 2)


def test_an_answer_asks_for_a_bounded_number_of_steps() -> None:
    steps = [{"id": str(n), "op": "StepPlanned"} for n in range(1_002)]
    assert len(parse(*steps[1:])) == 1_001
    assert fault(*steps) == "it asks for 1002 steps at once; the limit (SDK_STEPS_MAX) is 1000"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (r'"a\ud83d"', r'"a\ufffd"'),
        (r'"\ude00b"', r'"\ufffdb"'),
        (r'"\ud83d\ud83d\ude00"', r'"\ufffd\ud83d\ude00"'),
        (r'["\\ud83d \" \\", "\uD83D"]', r'["\\ud83d \" \\", "\ufffd"]'),
    ],
)
def test_half_a_character_of_a_text_that_was_cut_is_marked(given: str, expected: str) -> None:
    found = parse_opcodes(f'[{{"id":"h1","op":"StepRun","displayName":"a step","data":{given}}}]', 2)
    assert found == [StepRan(STEP, True, expected)]


def test_what_is_nested_too_deep_is_a_fault() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    with pytest.raises(BadAnswer, match="it is nested too deep"):
        parse_opcodes(f'[{{"id":"h1","op":"StepRun","data":{deep}}}]', 2)
