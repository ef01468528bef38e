"""Appending: one statement, exact deduplication, also when two connections race for the same id."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.event_stream.appending import append_events, append_over
from apps.event_stream.models import Event, InboxEntry, SeenEventId
from apps.event_stream.new_event import NewEvent, make_event
from tests.state.racing import race

ENVIRONMENT = 1


def event(name: str = "a", event_id: str | None = None, environment_id: int = ENVIRONMENT) -> NewEvent:
    return make_event(environment_id, name, event_id=event_id)


def seqs_in_inbox() -> list[int]:
    return list(InboxEntry.objects.order_by("seq").values_list("seq", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("event_id", [None, "one"])
@pytest.mark.parametrize("count", [1, 500])
def test_any_number_of_events_is_one_statement(
    count: int, event_id: str | None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    events = [event(event_id=event_id and f"{event_id}{number}") for number in range(count)]
    with django_assert_num_queries(1):
        ids = append_events(events)
    assert ids == [event.internal_id for event in events]
    assert Event.objects.count() == InboxEntry.objects.count() == count


@pytest.mark.django_db
def test_no_events_are_no_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert append_events([]) == []


@pytest.mark.django_db
def test_events_are_numbered_in_their_order_and_dated_by_the_database() -> None:
    ids = append_events([event(f"n{number}", "odd" if number % 2 else None) for number in range(100)])
    rows = list(Event.objects.order_by("seq"))
    assert [row.name for row in rows] == [f"n{number}" for number in range(100)]
    assert [row.internal_id for row in rows] == ids
    (received_at,) = {row.received_at for row in rows}
    assert abs(timezone.now() - received_at) < timedelta(minutes=1)


@pytest.mark.django_db
def test_only_the_first_receipt_of_an_id_enters_the_inbox() -> None:
    first = append_events([event("a", "one"), event("b"), event("c", "one")])
    second = append_events([event("d", "two"), event("e", "one")])
    assert first[0] == first[2] == second[1]
    rows = Event.objects.order_by("seq").values_list("name", "duplicate")
    assert list(rows) == [("a", False), ("b", False), ("c", True), ("d", False), ("e", True)]
    assert seqs_in_inbox() == list(Event.objects.filter(duplicate=False).order_by("seq").values_list("seq", flat=True))


@pytest.mark.django_db
def test_environments_do_not_see_each_others_ids() -> None:
    ids = append_events([event("a", "one", 1), event("a", "one", 2)])
    assert len(set(ids)) == 2
    assert len(seqs_in_inbox()) == 2


@pytest.mark.django_db(transaction=True)
def test_an_id_is_forgotten_once_its_window_is_over_and_then_remembered_anew() -> None:
    (first,) = append_events([event("a", "one")])
    SeenEventId.objects.update(expires_at=Now())
    (second,) = append_events([event("b", "one")])
    (third,) = append_events([event("c", "one")])
    assert first != second == third
    assert list(Event.objects.order_by("seq").values_list("duplicate", flat=True)) == [False, False, True]


@pytest.mark.django_db(transaction=True)
@override_settings(EVENT_DEDUPLICATION_SECONDS=3600)
def test_the_window_counts_from_the_first_receipt_only() -> None:
    append_events([event("a", "one")])
    SeenEventId.objects.update(expires_at=F("expires_at") - timedelta(minutes=30))
    before = SeenEventId.objects.get().expires_at
    append_events([event("a", "one")])
    assert SeenEventId.objects.get().expires_at == before


@pytest.mark.django_db(transaction=True)
def test_what_is_appended_goes_with_the_callers_transaction() -> None:
    with transaction.atomic():
        append_events([event("a", "one"), event("b")])
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert not InboxEntry.objects.exists()
    assert not SeenEventId.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_connections_that_race_for_an_id_one_is_first_and_all_learn_its_id() -> None:
    def append(number: int) -> str:
        return append_events([event("a", f"id{number}")])[0]

    rounds = 200
    for first, second, third in zip(*race(rounds, append, append, append), strict=True):
        assert first == second == third
    assert Event.objects.count() == 3 * rounds
    assert Event.objects.filter(duplicate=False).count() == InboxEntry.objects.count() == rounds


@pytest.mark.django_db(transaction=True)
def test_so_it_is_when_the_racers_bring_the_same_internal_id_as_retried_posts_do() -> None:
    def append(number: int) -> str:
        seeded = f"{number:026}"
        return append_events([make_event(ENVIRONMENT, "a", internal_id=seeded, receipt_id=seeded)])[0]

    rounds = 300
    race(rounds, append, append)
    assert Event.objects.filter(duplicate=False).count() == InboxEntry.objects.count() == rounds


@pytest.mark.django_db(transaction=True)
def test_so_it_is_when_an_expired_id_is_renewed_by_several_at_once() -> None:
    def append(number: int) -> str:
        return append_events([event("a", f"id{number}")])[0]

    rounds = 200
    append_events([event("old", f"id{number}") for number in range(rounds)])
    SeenEventId.objects.update(expires_at=Now())
    for first, second in zip(*race(rounds, append, append), strict=True):
        assert first == second
    receipts = Counter(Event.objects.filter(name="a").values_list("duplicate", flat=True))
    assert receipts == {False: rounds, True: rounds}


@pytest.mark.django_db(transaction=True)
def test_groups_with_the_same_ids_in_other_orders_do_not_deadlock() -> None:
    def forwards(number: int) -> list[str]:
        return append_events([event("a", f"{number}-{one}") for one in range(50)])

    def backwards(number: int) -> list[str]:
        return append_events([event("a", f"{number}-{one}") for one in reversed(range(50))])

    for up, down in zip(*race(50, forwards, backwards), strict=True):
        assert up == down[::-1]
    assert InboxEntry.objects.count() == 50 * 50


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_connection_appends_the_same_way() -> None:
    target = connection.settings_dict

    async def scenario() -> tuple[list[str], list[str]]:
        own: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            dbname=target["NAME"], user=target["USER"], host=target["HOST"], autocommit=True
        )
        async with own:
            plain = await append_over(own, [event("a"), event("b")])
            guarded = await append_over(own, [event("c", "one"), event("d", "one")])
            return plain, guarded

    plain, guarded = asyncio.run(scenario())
    assert len(set(plain)) == 2
    assert len(set(guarded)) == 1
    assert len(seqs_in_inbox()) == 3
