"""Several consumers at once: every event starts its functions, and starts them once."""

from typing import Any

import pytest
from django.db import transaction

from apps.event_stream.consuming import unpark
from apps.event_stream.looking_back import these_events
from apps.event_stream.models import Event, ParkedEvent
from apps.runner.consume_events import consume_events
from apps.runner.handle_event import handle_events
from apps.state.clock import read_now
from apps.state.models import History, ReadyItem, Run, Step
from apps.state.wakes import Wakes
from tests.functions import append, deploy_function, left_over
from tests.state.items import execute
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


def consume(_: int) -> int:
    return consume_events()


def assert_each_started_once(events: int) -> None:
    assert Run.objects.values("event_seq").distinct().count() == Run.objects.count() == events
    assert Step.objects.count() == ReadyItem.objects.count() == events
    assert History.objects.filter(kind="run.queued").count() == events
    assert left_over() == {"ReadyItem": events}


def test_consumers_that_share_the_inbox_start_each_run_once(settings: Any) -> None:
    settings.CONSUME_BATCH = 3
    deploy_function()
    append(count=20)

    def consume_and_append(number: int) -> int:
        consumed = consume_events()
        append(count=20)
        return consumed

    consumed = race(20, consume_and_append, consume, consume)
    last = consume_events()
    assert sum(map(sum, consumed)) + last == 20 * 21
    assert_each_started_once(20 * 21)


def test_an_event_that_is_handled_twice_at_once_starts_its_function_once() -> None:
    rounds = 200
    deploy_function()
    append(count=rounds)
    execute("DELETE FROM event_stream_inbox")
    events = these_events(list(Event.objects.values_list("seq", flat=True)))

    def handle(number: int) -> int:
        with transaction.atomic():
            wakes = Wakes()
            handle_events([events[number]], read_now(), wakes)
            return wakes.ready.total()

    queued = race(rounds, handle, handle)
    assert [one + other for one, other in zip(*queued, strict=True)] == [1] * rounds
    assert_each_started_once(rounds)


def test_batches_of_the_same_events_do_not_wait_for_each_other_in_a_circle() -> None:
    rounds, size = 40, 10
    deploy_function()
    append(count=rounds * size)
    execute("DELETE FROM event_stream_inbox")
    events = these_events(list(Event.objects.values_list("seq", flat=True)))

    def handle(number: int, step: int) -> int:
        batch = sorted(events[number * size : (number + 1) * size])[::step]
        with transaction.atomic():
            wakes = Wakes()
            handle_events(batch, read_now(), wakes)
            return wakes.ready.total()

    race(rounds, lambda number: handle(number, 1), lambda number: handle(number, 1))
    assert_each_started_once(rounds * size)


def test_an_event_that_is_retried_after_it_was_consumed_starts_nothing_more() -> None:
    rounds = 60
    deploy_function()
    seqs = append(count=rounds)
    consume_events()
    for seq in seqs:
        ParkedEvent.objects.create(seq=seq, reason="by hand", parked_at=Event.objects.get(seq=seq).received_at)

    def unpark_and_consume(number: int) -> int:
        unpark([seqs[number]])
        return consume_events()

    race(rounds, unpark_and_consume, consume)
    consume_events()
    assert_each_started_once(rounds)
