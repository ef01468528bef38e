"""What is refused: with a 4xx that names the fault and the event, and nothing half-stored."""

import asyncio
import json
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.event_api.limits import read_limits
from apps.event_api.parsing import parse_events
from apps.event_api.refusals import Refused
from apps.event_stream.new_event import NewEvent
from tests.event_api.calling import Response, call, post, running_api
from tests.event_api.stream import stored_names


def refusal(body: bytes) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        parse_events(body, 1, None, read_limits())
    return refused.value.status, refused.value.text


def deep(levels: int) -> bytes:
    """An event that nests so many levels, itself and its data among them."""
    return b'{"name":"a","data":{"a":' + b"[" * (levels - 2) + b"]" * (levels - 2) + b"}}"


NAMED: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b" \n", "empty"),
    (b"[]", "holds no events"),
    (b"3", "not a number"),
    (b'"x"', "not a string"),
    (b"null", "not null"),
    (b"true", "not true or false"),
    (b"nonsense", "malformed"),
    (b'{"name":"a"', "ends too soon (byte 11)"),
    (b'{"name":"a"} {}', "trailing characters (byte 14)"),
    (b'[{"name":"a"},{"name":"b",}]', "event 1: JSON is malformed: trailing comma in object"),
    (b'[{"name":"a"},', "event 1: JSON ends too soon"),
    (b'[{"name":"a"},7]', "event 1: an event must be an object, not a number"),
    (b'[{"name":"a"},[]]', "event 1: an event must be an object, not an array"),
    (b"{}", '"name" is missing'),
    (b'[{"name":"a"},{"nome":"a"}]', 'event 1: "name" is missing'),
    (b'{"name":7}', '"name" must be a string, not a whole number'),
    (b'{"name":null}', '"name" must be a string, not null'),
    (b'{"name":""}', '"name" is empty'),
    (b'{"name":"inngest/function.failed"}', "reserved"),
    (rb'{"name":"a\u0000"}', r"holds the character \u0000"),
    (b'{"name":"' + b"x" * 256 + b'"}', '"name" has 256 characters; the limit is 255'),
    (b'{"name":"a","data":[]}', '"data" must be an object, not an array'),
    (b'{"name":"a","data":"x"}', '"data" must be an object, not a string'),
    (b'{"name":"a","user":7}', '"user" must be an object, not a number'),
    (b'{"name":"a","id":7}', '"id" must be a string, not a whole number'),
    (b'{"name":"a","id":""}', '"id" is empty'),
    (rb'{"name":"a","id":"\u0000"}', r'"id" holds the character \u0000'),
    (b'{"name":"a","id":"' + b"x" * 256 + b'"}', '"id" has 256 characters'),
    (b'{"name":"a","ts":"1"}', '"ts" must be a whole number, not a string'),
    (b'{"name":"a","ts":1.5}', '"ts" must be a whole number, not a number with a fraction'),
    (b'{"name":"a","ts":true}', '"ts" must be a whole number, not true or false'),
    (b'{"name":"a","ts":-1}', '"ts" must be milliseconds since 1970'),
    (b'{"name":"a","ts":253402300800000}', '"ts" must be milliseconds since 1970'),
    (b'{"name":"a","ts":' + b"9" * 10_000 + b"}", '"ts" is out of range'),
    (b'{"name":"a","v":2}', '"v" must be a string, not a whole number'),
    (b'{"name":"a","data":{"x":"\xff"}}', "not UTF-8 at byte 25"),
    (b'[{"name":"a"},{"name":"\xc3"}]', "event 1: the body is not UTF-8 at byte 23"),
    (b'{"name":"a","data":{"x":"\x01"}}', "malformed: invalid character (byte 25)"),
    (b'{"name":"a","data":{"x":NaN}}', "malformed"),
    (rb'{"name":"a","data":{"x":"\ud800"}}', r"unpaired surrogate escape \ud800 (byte 25)"),
    (rb'[{"name":"a"},{"name":"\\\udfff"}]', r"event 1: unpaired surrogate escape \udfff (byte 25)"),
    (rb'{"name":"a","other":"\ud83d\ud83d\ude00"}', r"unpaired surrogate escape \ud83d (byte 21)"),
    (deep(1_001), "nested more than 1000 levels deep"),
    (deep(3_000), "nested more than 1000 levels deep"),
    (b'[{"name":"a"},' + deep(1_001) + b"]", "event 1: nested more than 1000 levels deep"),
    (b'[{"name":"a"},' + deep(100_000) + b"]", "event 1: nested more than 1000 levels deep"),
]


@pytest.mark.parametrize(("body", "words"), NAMED, ids=[words for _, words in NAMED])
def test_a_fault_is_named(body: bytes, words: str) -> None:
    status, text = refusal(body)
    assert status == 400
    assert words in text


def test_exactly_the_limit_of_levels_is_accepted_alone_and_in_an_array() -> None:
    limits = read_limits()
    assert parse_events(deep(1_000), 1, None, limits)
    assert len(parse_events(b"[" + deep(1_000) + b"," + deep(1_000) + b"]", 1, None, limits)) == 2


@override_settings(EVENT_MAX_BYTES=100, EVENT_MAX_BATCH=3, EVENT_MAX_DEPTH=5)
def test_exactly_the_limits_are_accepted_and_no_more() -> None:
    filler = b"x" * (100 - len(b'{"name":"a","data":{"x":""}}'))
    event = b'{"name":"a","data":{"x":"%b"}}'
    limits = read_limits()
    assert parse_events(event % filler, 1, None, limits)
    assert refusal(event % (filler + b"x"))[0] == 413
    assert len(parse_events(b"[" + b",".join([event % filler] * 3) + b"]", 1, None, limits)) == 3
    assert refusal(b"[" + b",".join([event % filler] * 4) + b"]") == (413, "more than 3 events in one request")
    assert parse_events(deep(5), 1, None, limits)
    assert "5 levels" in refusal(deep(6))[1]


def test_an_array_of_millions_is_refused_without_being_built() -> None:
    assert refusal(b"[" + b'"",' * 1_000_000 + b"1]") == (413, "more than 5000 events in one request")


def test_one_bad_event_keeps_its_whole_array_out(dev: object) -> None:
    async def scenario() -> Response:
        async with running_api() as api:
            return await post(api, b'[{"name":"good"},{"name":""},{"name":"good"}]')

    response = asyncio.run(scenario())
    assert (response.status, response.error) == (400, 'event 1: "name" is empty')
    assert stored_names() == []


@override_settings(EVENT_REQUEST_MAX_BYTES=1_000)
def test_a_request_over_the_limit_is_read_no_further(dev: object) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            unread = [b"x" * 400] * 100
            for headers in ([], [(b"content-length", b"40000")], [(b"content-length", b"9" * 50)]):
                response = await call(api, "POST", "/e/key", unread, headers)
                assert response.status == 413
                assert "1000 bytes" in response.error
            # All the room that was taken has been given back.
            assert api._bodies.taken == api._queue.taken == 0

    asyncio.run(scenario())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(["name", "data", "user", "id", "ts", "v", "other"])
likely_events = st.dictionaries(fields, json_values) | st.fixed_dictionaries(
    {"name": st.text(min_size=1), "data": st.dictionaries(st.text(), json_values)},
    optional={"id": st.text(), "ts": st.integers(), "user": json_values},
)
bodies = (
    (json_values | likely_events | st.lists(likely_events, max_size=4)).map(lambda value: json.dumps(value).encode())
    | st.binary()
    | st.text(alphabet='[]{}",:\\ud80dc1e. \n').map(str.encode)
)


@settings(deadline=None, max_examples=400)
@given(body=bodies, cut=st.integers(0, 200))
@example(body=b'{"name":"\\', cut=200)
def test_any_body_is_accepted_or_refused_and_what_is_accepted_is_what_was_sent(body: bytes, cut: int) -> None:
    for text in (body, body[:cut]):
        outcome = parse(text)
        if isinstance(outcome, Refused):
            assert 400 <= outcome.status < 500
            assert outcome.text
            continue
        sent: Any = json.loads(text)
        for event, original in zip(outcome, sent if isinstance(sent, list) else [sent], strict=True):
            payload = json.loads(event.payload)
            assert payload["name"] == original["name"] == event.name
            # Not-a-number is unlike itself, so that texts are compared.
            assert json.dumps(payload["data"]) == json.dumps(original.get("data") or {})


def parse(body: bytes) -> list[NewEvent] | Refused:
    try:
        return parse_events(body, 1, None, read_limits())
    except Refused as refused:
        return refused


def test_random_bodies_never_get_a_500(dev: object) -> None:
    with asyncio.Runner() as runner:
        serving = running_api()
        api = runner.run(serving.__aenter__())

        @settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
        @given(body=bodies)
        def check(body: bytes) -> None:
            response = runner.run(post(api, body))
            assert response.status == 200 or 400 <= response.status < 500, response.body
            if response.status == 200:
                assert response.ids
            else:
                assert response.error

        try:
            check()
        finally:
            runner.run(serving.__aexit__(None, None, None))
