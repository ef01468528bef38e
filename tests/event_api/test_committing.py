"""Group commit: few statements, no harm from neighbours, an answer whatever the database does."""

import asyncio
import time
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import override_settings

from apps.event_api import committing, database, keys
from apps.event_api.app import EventApi
from tests.event_api.calling import Response, post, running_api
from tests.event_api.stream import end_event_api_connections, inbox_size, stored_names, stream_held

pytestmark = pytest.mark.usefixtures("dev")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that the committer sends."""
    sent: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def note(self: Any, query: str, *args: Any, **options: Any) -> Any:
        if "event_stream" in query:
            sent.append(query)
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", note)
    return sent


@pytest.fixture
def no_bad_events() -> Any:
    """The database itself refuses events named `bad`: a fault that validation does not know of."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event_stream_event ADD CONSTRAINT no_bad CHECK (name <> 'bad')")
        yield
        cursor.execute("ALTER TABLE event_stream_event DROP CONSTRAINT no_bad")


async def all_queued(api: EventApi, events: int) -> None:
    """Wait until so many events are waiting for their commit."""
    async with asyncio.timeout(5):
        while api._queue.taken < events:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("event", [{"name": "a"}, {"name": "a", "id": "one"}])
def test_requests_that_arrive_during_a_commit_share_one_statement(event: object, statements: list[str]) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            with stream_held() as holder:
                first = asyncio.create_task(post(api, event))
                await all_queued(api, 1)
                rest = [asyncio.create_task(post(api, event)) for _ in range(100)]
                await all_queued(api, 101)
                holder.rollback()
            for answer in await asyncio.gather(first, *rest):
                assert len(answer.ids) == 1

    asyncio.run(scenario())
    assert len(statements) == 2
    assert len(stored_names()) == 101


def test_a_group_is_bounded(monkeypatch: pytest.MonkeyPatch, statements: list[str]) -> None:
    monkeypatch.setattr(committing, "GROUP_EVENTS", 10)

    async def scenario() -> None:
        async with running_api() as api:
            with stream_held() as holder:
                posts = [asyncio.create_task(post(api, [{"name": "a"}] * 3)) for _ in range(10)]
                await all_queued(api, 30)
                holder.rollback()
            await asyncio.gather(*posts)

    asyncio.run(scenario())
    # One before the others came or three of them, then three at a time.
    assert 4 <= len(statements) <= 5
    assert inbox_size() == 30


def test_a_bad_neighbour_does_not_hurt_the_group(no_bad_events: None) -> None:
    async def scenario() -> list[Response]:
        async with running_api() as api:
            with stream_held() as holder:
                posts = [asyncio.create_task(post(api, {"name": "bad" if n == 7 else "good"})) for n in range(20)]
                await all_queued(api, 20)
                holder.rollback()
            answers = await asyncio.gather(*posts)
            assert (await post(api, {"name": "later"})).status == 200
            return answers

    answers = asyncio.run(scenario())
    assert [answer.status for answer in answers] == [200] * 7 + [400] + [200] * 12
    assert "no_bad" in answers[7].error
    assert stored_names() == ["good"] * 19 + ["later"]


@override_settings(EVENT_QUEUE_MAX=10)
def test_a_full_queue_is_answered_with_503_and_what_is_in_it_is_stored() -> None:
    async def scenario() -> None:
        async with running_api() as api:
            with stream_held() as holder:
                waiting = [asyncio.create_task(post(api, [{"name": "in"}] * 5)) for _ in range(2)]
                await all_queued(api, 10)
                refused = await post(api, {"name": "out"})
                assert refused.status == 503
                assert refused.headers[b"retry-after"] == b"1"
                assert "waiting" in refused.error
                holder.rollback()
            for answer in await asyncio.gather(*waiting):
                assert answer.status == 200
            assert (await post(api, {"name": "in"})).status == 200

    asyncio.run(scenario())
    assert stored_names() == ["in"] * 11


@override_settings(EVENT_QUEUE_MAX_BYTES=1_000)
def test_so_is_a_queue_that_is_full_of_bytes() -> None:
    async def scenario() -> None:
        large = {"name": "in", "data": {"x": "x" * 600}}
        async with running_api() as api:
            with stream_held() as holder:
                waiting = asyncio.create_task(post(api, large))
                await all_queued(api, 1)
                assert (await post(api, large)).status == 503
                holder.rollback()
            assert (await waiting).status == 200
            # What alone is over the bound finds room once there is nothing else.
            assert (await post(api, {"name": "in", "data": {"x": "x" * 2_000}})).status == 200

    asyncio.run(scenario())


def test_a_client_that_goes_away_hurts_nobody() -> None:
    async def scenario() -> None:
        async with running_api() as api:
            with stream_held() as holder:
                posts = [asyncio.create_task(post(api, {"name": f"n{n}"})) for n in range(3)]
                await all_queued(api, 3)
                posts[0].cancel()
                posts[1].cancel()
                await asyncio.sleep(0)
                holder.rollback()
            assert (await posts[2]).status == 200
            assert api._queue.taken == api._bodies.taken == 0

    asyncio.run(scenario())
    assert stored_names() == ["n0", "n1", "n2"]


def test_a_stop_finishes_what_is_queued() -> None:
    async def scenario() -> list[Response]:
        api = EventApi()
        await api.start()
        with stream_held() as holder:
            posts = [asyncio.create_task(post(api, {"name": "a"})) for _ in range(5)]
            await all_queued(api, 5)
            stopping = asyncio.create_task(api.stop())
            await asyncio.sleep(0.05)
            assert (await post(api, {"name": "late"})).status == 503
            holder.rollback()
        await stopping
        return await asyncio.gather(*posts)

    assert [answer.status for answer in asyncio.run(scenario())] == [200] * 5
    assert stored_names() == ["a"] * 5


def test_a_connection_lost_while_idle_is_noticed_before_anything_is_sent() -> None:
    async def scenario() -> None:
        async with running_api() as api:
            assert (await post(api, {"name": "a"})).status == 200
            end_event_api_connections()
            await asyncio.sleep(0.1)
            assert (await post(api, {"name": "b"})).status == 200

    asyncio.run(scenario())
    assert stored_names() == ["a", "b"]


def test_a_connection_lost_in_the_middle_is_answered_and_what_was_not_sent_is_stored() -> None:
    async def scenario() -> None:
        async with running_api() as api:
            with stream_held() as holder:
                sent = asyncio.create_task(post(api, {"name": "sent"}))
                await all_queued(api, 1)
                await asyncio.sleep(0.05)
                queued = asyncio.create_task(post(api, {"name": "queued"}))
                await all_queued(api, 2)
                end_event_api_connections()
                answer = await sent
                holder.rollback()
            assert answer.status == 503
            assert "not known" in answer.error
            assert (await queued).status == 200

    asyncio.run(scenario())
    assert stored_names() == ["queued"]


def test_a_database_that_is_down_is_answered_at_once_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = database.connect

    async def refuse() -> Any:
        raise psycopg.OperationalError("connection refused")

    async def scenario() -> None:
        async with running_api() as api:
            monkeypatch.setattr(committing, "connect", refuse)
            end_event_api_connections()
            await asyncio.sleep(0.1)
            started = time.monotonic()
            for _ in range(20):
                answer = await post(api, {"name": "a"})
                assert answer.status == 503
                assert answer.headers[b"retry-after"] == b"1"
            assert time.monotonic() - started < 1
            monkeypatch.setattr(committing, "connect", connect)
            await asyncio.sleep(1.5)
            assert (await post(api, {"name": "b"})).status == 200

    asyncio.run(scenario())
    assert stored_names() == ["b"]


def test_a_database_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "ANSWER_SECONDS", 0.3)

    async def scenario() -> None:
        async with running_api() as api:
            with stream_held() as holder:
                started = time.monotonic()
                answer = await post(api, {"name": "held"})
                assert answer.status == 503
                assert time.monotonic() - started < 2
                holder.rollback()
            assert (await post(api, {"name": "later"})).status == 200

    asyncio.run(scenario())
    assert "later" in stored_names()


def test_without_a_database_at_the_start_the_answer_is_503_not_401(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse() -> Any:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(committing, "connect", refuse)
    monkeypatch.setattr(keys, "connect", refuse)

    async def scenario() -> None:
        async with running_api() as api:
            assert (await post(api, {"name": "a"})).status == 503

    asyncio.run(scenario())
