"""What is accepted, what is answered, and what is stored of it."""

import asyncio
import json

import pytest
from django.test import override_settings

from apps.datastore.models import Environment
from apps.event_stream.models import Event
from tests.event_api.calling import post, running_api
from tests.event_api.stream import inbox_size, stored_names, stored_payload

pytestmark = pytest.mark.usefixtures("dev")

SEED = (b"x-inngest-event-id-seed", b"1743130137367,eii2YKXRVTJPuA==")


def test_an_event_is_answered_with_its_id_and_stored_whole() -> None:
    async def scenario() -> list[str]:
        async with running_api() as api:
            return (await post(api, {"name": "a/b", "data": {"n": 1}, "user": {"u": 2}, "ts": 5, "v": "2"})).ids

    (internal_id,) = asyncio.run(scenario())
    event = Event.objects.get()
    assert (event.internal_id, event.name, event.duplicate) == (internal_id, "a/b", False)
    assert event.environment_id == Environment.objects.get(slug="dev").pk
    assert json.loads(event.payload) == {
        "name": "a/b", "data": {"n": 1}, "user": {"u": 2}, "id": internal_id, "ts": 5, "v": "2",
    }  # fmt: skip
    assert inbox_size() == 1


def test_what_is_left_out_is_filled_in() -> None:
    async def scenario() -> None:
        async with running_api() as api:
            await post(api, b' {"name": "a", "data": null, "user": null, "id": null, "ts": 0, "v": null, "odd": 1} ')

    asyncio.run(scenario())
    payload = json.loads(stored_payload())
    assert payload.pop("ts") == pytest.approx(Event.objects.get().received_at.timestamp() * 1000, abs=10_000)
    assert payload == {"name": "a", "data": {}, "user": {}, "id": Event.objects.get().internal_id}


@pytest.mark.parametrize(
    "data",
    [
        rb'{"nul":"\u0000", "pair":"\ud83d\ude00",  "escaped":"\\ud800"}',
        b'{"huge":1e400000,"long":%b,"zero":-0.0}' % (b"9" * 1000),
        '{"snow":"☃","clef":"𝄞","":{"":[]},"\u2028":1}'.encode(),
        b'{"twice":1,"twice":2}',
        b'{"deep":' + b"[" * 998 + b"]" * 998 + b"}",
        b'{"brackets":"' + b"[{" * 2000 + b'"}',
        b'{ "spaced" :\t[ 1 ,\n2 ] }',
    ],
)
def test_odd_json_is_carried_through_byte_for_byte(data: bytes) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            assert (await post(api, b'{"name":"odd","data":' + data + b"}")).status == 200

    asyncio.run(scenario())
    assert f'"data":{data.decode()},"user"' in stored_payload()


def test_an_array_is_stored_in_its_order_and_answered_in_its_order() -> None:
    async def scenario() -> list[str]:
        async with running_api() as api:
            return (await post(api, [{"name": f"n{number}"} for number in range(5_000)])).ids

    ids = asyncio.run(scenario())
    assert stored_names() == [f"n{number}" for number in range(5_000)]
    assert list(Event.objects.order_by("seq").values_list("internal_id", flat=True)) == ids == sorted(ids)


def test_a_repeated_id_is_stored_but_starts_nothing() -> None:
    async def scenario() -> tuple[list[str], list[str]]:
        async with running_api() as api:
            once = await post(api, [{"name": "a", "id": "one"}, {"name": "b"}, {"name": "a", "id": "one"}])
            again = await post(api, {"name": "a", "id": "one"})
            return once.ids, again.ids

    once, again = asyncio.run(scenario())
    assert once[0] == once[2] == again[0] != once[1]
    assert list(Event.objects.order_by("seq").values_list("duplicate", flat=True)) == [False, False, True, True]
    assert inbox_size() == 2


def test_the_same_id_may_come_in_two_requests_of_one_group() -> None:
    async def scenario() -> list[list[str]]:
        async with running_api() as api:
            answers = await asyncio.gather(*[post(api, {"name": "a", "id": "one"}) for _ in range(20)])
            return [answer.ids for answer in answers]

    ids = asyncio.run(scenario())
    assert len({one for (one,) in ids}) == 1
    assert inbox_size() == 1


@override_settings(EVENT_DEDUPLICATION_SECONDS=1)
def test_an_id_is_forgotten_a_window_after_its_first_receipt() -> None:
    async def scenario() -> list[str]:
        event = {"name": "a", "id": "one"}
        async with running_api() as api:
            (first,) = (await post(api, event)).ids
            await asyncio.sleep(0.6)
            (second,) = (await post(api, event)).ids
            await asyncio.sleep(0.6)
            (third,) = (await post(api, event)).ids
            return [first, second, third]

    first, second, third = asyncio.run(scenario())
    assert first == second != third
    assert inbox_size() == 2


def test_a_retried_post_with_a_seed_repeats_no_event() -> None:
    async def scenario() -> list[list[str]]:
        events = [{"name": "a"}, {"name": "b"}, {"name": "c", "id": "given"}]
        async with running_api() as api:
            return [(await post(api, events, headers=[SEED])).ids for _ in range(2)]

    first, retried = asyncio.run(scenario())
    assert first == retried
    assert len(set(first)) == 3
    assert inbox_size() == 3
    for event in Event.objects.exclude(name="c"):
        assert json.loads(event.payload)["id"] == event.internal_id


@pytest.mark.parametrize(
    "value", [b"", b"1", b"x,eii2YKXRVTJPuA==", b"1,!!", b"1,AAAA", b"-1,eii2YKXRVTJPuA==", b"9" * 400]
)
def test_a_seed_that_cannot_be_read_is_as_none(value: bytes) -> None:
    async def scenario() -> list[list[str]]:
        async with running_api() as api:
            return [(await post(api, {"name": "a"}, headers=[(SEED[0], value)])).ids for _ in range(2)]

    first, second = asyncio.run(scenario())
    assert first != second


def test_the_runner_is_rung_for_after_the_commit(rings: list[int]) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            await post(api, {"name": "a"})
            assert rings == [1]
            await asyncio.sleep(0.1)
            await post(api, [{"name": "a"}] * 450)
            assert rings == [1, 3]

    asyncio.run(scenario())


def test_while_events_pour_in_rings_are_few_but_none_is_missing(rings: list[int]) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            for _ in range(200):
                await post(api, {"name": "a"})
            heard = len(rings)
            assert heard < 100
            await post(api, {"name": "last"})
            await asyncio.sleep(0.1)
            assert len(rings) > heard

    asyncio.run(scenario())
