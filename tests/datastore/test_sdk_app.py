"""Reading what an app registers: as both SDKs send it, and with every fault named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastore.definition.faults import Fault, InvalidDefinition
from apps.datastore.definition.types import (
    CancelOn,
    CronTrigger,
    Edge,
    EventTrigger,
    FunctionDefinition,
    from_json,
    to_json,
)
from apps.datastore.sdk_app import parse_registration
from tests.datastore.registrations import URL, function, python_app, python_function, typescript_app


def parsed(**fields: Any) -> FunctionDefinition:
    """The definition of a function with these fields."""
    (definition,) = parse_registration(typescript_app(function(**fields))).definitions
    return definition


def faults(document: object) -> dict[str, str]:
    with pytest.raises(InvalidDefinition) as invalid:
        parse_registration(document)
    return {fault.path: fault.message for fault in invalid.value.faults}


def faults_of(**fields: Any) -> dict[str, str]:
    return faults(typescript_app(function(**fields)))


def test_both_sdks_spellings_are_read() -> None:
    python = parse_registration(python_app(python_function()))
    typescript = parse_registration(typescript_app(function()))
    assert python[:2] == typescript[:2] == ("shop", URL)
    assert python[2:5] == ("py:v0.5.19", "fast_api", "")
    assert typescript[2:5] == ("js:v4.24.0", "express", "")


@pytest.mark.parametrize(
    ("said", "sdk"),
    [
        ({"sdk_language": "py", "sdk_version": "0.5.19"}, "py:v0.5.19"),
        ({"sdk_language": "", "sdk_version": "", "sdk": "js:v4.24.0"}, "js:v4.24.0"),
    ],
)
def test_the_in_band_form_is_read(said: dict[str, str], sdk: str) -> None:
    body = {
        "app_id": "shop",
        "env": None,
        "framework": "flask",
        "functions": [python_function()],
        "inspection": {"schema_version": "2024-05-24"},
        "platform": None,
        "sdk_author": "inngest",
        "url": URL,
        "appVersion": "v7",
        **said,
    }
    registration = parse_registration(body)
    assert registration[:5] == ("shop", URL, sdk, "flask", "v7")
    assert len(registration.definitions) == 1


def test_a_function_is_one_step_that_is_called_at_its_url() -> None:
    definition = parsed()
    (step,) = definition.steps.values()
    assert (step.id, step.name, step.runtime.type, step.after) == ("step", "shop-paid", "sdk", (Edge("$trigger"),))
    assert step.runtime.options == {"url": f"{URL}?fnId=shop-paid&stepId=step"}
    assert definition.sdk is not None
    assert (definition.sdk.app, definition.sdk.url, definition.sdk.sdk) == ("shop", URL, "js:v4.24.0")
    assert from_json(to_json(definition)) == definition


@pytest.mark.parametrize(("retries", "tries"), [(None, 5), ({}, 5), ({"attempts": 0}, 1), ({"attempts": 20}, 21)])
def test_attempts_counts_what_comes_after_the_first_try(retries: object, tries: int) -> None:
    plain = function()
    plain["steps"]["step"]["retries"] = retries
    assert parsed(steps=plain["steps"]).steps["step"].attempts == tries


def test_triggers_cancels_and_idempotency_are_read() -> None:
    definition = parsed(
        triggers=[
            {"event": "a", "expression": "event.data.n > 1"},
            {"event": "inngest/function.failed", "expression": "event.data.function_id == 'x'"},
            {"event": "a", "expression": "event.data.n > 1"},
            {"cron": "TZ=Europe/Paris 0 9 * * 1", "jitter": None},
        ],
        cancel=[{"event": "stop", "if": "event.data.id == async.data.id", "timeout": "1h"}, {"event": "halt"}],
        idempotency="event.data.cartId",
    )
    failed = EventTrigger("inngest/function.failed", "event.data.function_id == 'x'")
    assert definition.triggers == (EventTrigger("a", "event.data.n > 1"), failed)
    assert definition.crons == (CronTrigger("TZ=Europe/Paris 0 9 * * 1", "0 9 * * 1", "Europe/Paris"),)
    assert definition.cancel == (CancelOn("stop", "event.data.id == async.data.id", 3600.0), CancelOn("halt"))
    assert definition.idempotency == "event.data.cartId"
    assert definition.not_enforced == ()
    assert definition.config == ""


def test_what_is_null_or_empty_is_not_there() -> None:
    assert parsed(**python_function(cancel=[], concurrency=[], idempotency="")) == parsed(**function())


def test_a_function_without_triggers_and_one_with_a_name_alone_are_right() -> None:
    assert parsed(triggers=[]).triggers == ()
    assert parsed(name=None).name == "shop-paid"
    assert parse_registration(typescript_app()).definitions == []


@pytest.mark.parametrize("name", ["x" * 255, "Ünïcode with spaces / and: more", "-"])
def test_ids_are_whatever_their_users_make_up(name: str) -> None:
    assert parsed(id=name).id == name


FLOW_CONTROL: dict[str, Any] = {
    "concurrency": [{"limit": 2, "key": "event.data.id", "scope": "env"}],
    "throttle": {"limit": 1, "period": "10s", "burst": 2, "key": "event.data.id"},
    "rateLimit": {"limit": 1, "period": "24h"},
    "debounce": {"period": "5s", "timeout": "1m"},
    "batchEvents": {"maxSize": 10, "timeout": "5s", "if": "event.data.big"},
    "priority": {"run": "event.data.paid ? 100 : 0"},
    "singleton": {"mode": "skip", "key": "event.data.id"},
    "timeouts": {"start": "10m", "finish": "1h"},
}


def test_flow_control_is_kept_and_said_to_be_not_enforced() -> None:
    definition = parsed(**FLOW_CONTROL)
    assert set(definition.not_enforced) == set(FLOW_CONTROL)
    assert json.loads(definition.config) == FLOW_CONTROL


@pytest.mark.parametrize("form", [5, {"limit": 5}, [{"limit": 5, "key": None, "newer": [1]}]])
def test_concurrency_is_kept_in_one_form(form: object) -> None:
    assert json.loads(parsed(concurrency=form).config) == {"concurrency": [{"limit": 5}]}


def test_jitter_and_wildcards_are_not_enforced_either() -> None:
    definition = parsed(triggers=[{"cron": "* * * * *", "jitter": "10s"}, {"event": "shop/*"}])
    assert definition.not_enforced == ("cron jitter", "event wildcards")


def test_what_a_newer_sdk_sends_is_ignored() -> None:
    plain = function(newer={"a": 1})
    plain["steps"]["step"]["newer"] = 1
    plain["triggers"][0]["newer"] = 1
    assert parse_registration(typescript_app(plain, newer=1)) == parse_registration(typescript_app(function()))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, "$"),
        ([], "$"),
        ({}, "$.appName"),
        (typescript_app(appName=""), "$.appName"),
        (typescript_app(appName="x" * 256), "$.appName"),
        (typescript_app(appName=7), "$.appName"),
        (typescript_app(url="ftp://127.0.0.1/x"), "$.url"),
        (typescript_app(url="http://"), "$.url"),
        (typescript_app(url="http://host:99999/"), "$.url"),
        (typescript_app(url="http://[bad/"), "$.url"),
        (typescript_app(url="http://a..b/"), "$.url"),
        (typescript_app(url="http://./"), "$.url"),
        (typescript_app(url=f"http://{'x' * 64}.example/"), "$.url"),
        (typescript_app(url=None), "$.url"),
        (typescript_app(sdk=7), "$.sdk"),
        (typescript_app(functions=None), "$.functions"),
        (typescript_app(functions={}), "$.functions"),
        (typescript_app(functions=[{}] * 1001), "$.functions"),
        (typescript_app(7), "$.functions[0]"),  # type: ignore[arg-type]
        (typescript_app(function(), function()), "$.functions[1].id"),
    ],
)
def test_a_faulty_app_is_refused(document: object, path: str) -> None:
    assert path in faults(document)


@pytest.mark.parametrize("host", ["my_app", "[::1]:8000", "b\u00fccher.example", "example.com.", f"{'x' * 63}.example"])
def test_any_host_that_can_be_looked_up_is_right(host: str) -> None:
    assert parse_registration(typescript_app(url=f"http://{host}/")).url == f"http://{host}/"


def crons(count: int) -> list[dict[str, str]]:
    return [{"cron": f"{number % 60} {number // 60} * * *"} for number in range(count)]


def test_an_app_may_have_a_thousand_crons_in_all() -> None:
    functions = [function(f"fn-{number}", triggers=crons(100)) for number in range(10)]
    assert len(parse_registration(typescript_app(*functions)).definitions) == 10
    found = faults(typescript_app(*functions, function("last", triggers=crons(1))))
    assert found == {"$.functions": "have 1001 crons together; an app may have at most 1000"}


def test_an_app_without_an_id_is_told_so_in_the_usual_words() -> None:
    assert faults(typescript_app(appName=None)) == {"$.appName": "App ID required"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": ""}, "id"),
        ({"id": "a\0b"}, "id"),
        ({"id": "x" * 256}, "id"),
        ({"id": "\ud800"}, "id"),
        ({"triggers": 5}, "triggers"),
        ({"triggers": [{}]}, "triggers[0]"),
        ({"triggers": [{"event": ""}]}, "triggers[0].event"),
        ({"triggers": [{"event": "x" * 256}]}, "triggers[0].event"),
        ({"triggers": [{"event": "a"}, {"event": "a", "expression": "event.data. =="}]}, "triggers[1].expression"),
        ({"triggers": [{"event": "a", "expression": "async.data.id == 1"}]}, "triggers[0].expression"),
        ({"triggers": [{"cron": "every day"}]}, "triggers[0].cron"),
        ({"triggers": [{"cron": "* * * * *", "jitter": 7}]}, "triggers[0].jitter"),
        ({"cancel": [{"if": "true"}]}, "cancel[0].event"),
        ({"cancel": [{"event": "a", "if": "steps.a"}]}, "cancel[0]['if']"),
        ({"cancel": [{"event": "a", "timeout": "soon"}]}, "cancel[0].timeout"),
        ({"idempotency": "event.data."}, "idempotency"),
        ({"steps": None}, "steps"),
        ({"steps": {"other": {}}}, "steps.step"),
        ({"steps": {"step": {"id": "step"}}}, "steps.step.runtime"),
        ({"steps": {"step": {"runtime": {"type": "grpc", "url": URL}}}}, "steps.step.runtime.type"),
        ({"steps": {"step": {"runtime": {"type": "http", "url": "nowhere"}}}}, "steps.step.runtime.url"),
        ({"concurrency": "many"}, "concurrency"),
        ({"concurrency": [{"limit": 1}, {"limit": 1.5}]}, "concurrency[1].limit"),
        ({"concurrency": {"limit": 1, "key": "event.data. =="}}, "concurrency.key"),
        ({"throttle": {"limit": 1, "period": "a while"}}, "throttle.period"),
        ({"rateLimit": []}, "rateLimit"),
        ({"debounce": {"period": 5}}, "debounce.period"),
        ({"batchEvents": {"maxSize": "10"}}, "batchEvents.maxSize"),
        ({"priority": {"run": "}"}}, "priority.run"),
        ({"singleton": {"mode": 1}}, "singleton.mode"),
        ({"timeouts": {"finish": "-1s"}}, "timeouts.finish"),
    ],
)
def test_a_faulty_function_is_refused_with_its_place(fields: dict[str, Any], path: str) -> None:
    found = faults_of(**fields)
    assert f"$.functions[0].{path}".replace("['if']", ".if") in found


def test_connect_is_refused_in_words_that_say_what_to_do() -> None:
    steps = {"step": {"runtime": {"type": "ws", "url": "wss://connect"}}}
    assert "Connect" in faults_of(steps=steps)["$.functions[0].steps.step.runtime.type"]


@pytest.mark.parametrize("attempts", [-1, 101, 1.5, "3", True])
def test_a_count_of_retries_that_is_none_is_refused(attempts: object) -> None:
    plain = function()
    plain["steps"]["step"]["retries"] = {"attempts": attempts}
    assert "$.functions[0].steps.step.retries.attempts" in faults(typescript_app(plain))


def test_every_fault_of_every_function_is_named_at_once() -> None:
    found = faults(
        typescript_app(
            function("a", triggers=[{"event": "x", "expression": "=="}]),
            function("b"),
            function("c", triggers=[{"event": "x"}, {"event": "x", "expression": "=="}], idempotency="=="),
            url="",
        )
    )
    assert list(found) == [
        "$.url",
        "$.functions[0].triggers[0].expression",
        "$.functions[2].triggers[1].expression",
        "$.functions[2].idempotency",
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ["id", "name", "triggers", "steps", "idempotency", "cancel", *FLOW_CONTROL]


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4))
def test_whatever_a_function_is_it_is_taken_or_refused_with_reasons(fields: dict[str, Any]) -> None:
    taken, reasons = _outcome(typescript_app(function(**fields)))
    assert all(reason.path.startswith("$.functions[0]") for reason in reasons)
    assert all(from_json(to_json(one)) == one for one in taken)
    assert bool(taken) != bool(reasons)


def _outcome(document: object) -> tuple[list[FunctionDefinition], list[Fault]]:
    try:
        return parse_registration(document).definitions, []
    except InvalidDefinition as invalid:
        return [], invalid.faults
