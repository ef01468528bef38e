"""Events that the server makes itself: stored with their inbox rows, and numbered in their order."""

import msgspec
import pytest
from django.db import transaction

from apps.event_stream.appending import append_numbered
from apps.event_stream.models import Event, InboxEntry
from apps.event_stream.new_event import NewEvent, make_event
from tests.functions import dev_environment
from tests.state.counting import statements

pytestmark = pytest.mark.django_db


def events(count: int) -> list[NewEvent]:
    environment = dev_environment().pk
    return [make_event(environment, f"test/{number}", msgspec.Raw(b"{}")) for number in range(count)]


@pytest.mark.parametrize("count", [1, 3, 500])
def test_each_event_has_the_number_in_its_place(count: int) -> None:
    made = events(count)
    with statements() as seen:
        numbers = append_numbered(made)
    assert len(seen) == 1
    stored = {event.seq: (event.name, event.internal_id, event.payload) for event in Event.objects.all()}
    assert [stored[seq] for seq in numbers] == [(event.name, event.internal_id, event.payload) for event in made]
    assert numbers == sorted(numbers)
    assert set(InboxEntry.objects.values_list("seq", flat=True)) == set(numbers)


def test_no_event_costs_nothing() -> None:
    with statements() as seen:
        assert append_numbered([]) == []
    assert not seen


def test_they_go_with_the_transaction() -> None:
    with transaction.atomic():
        append_numbered(events(2))
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert not InboxEntry.objects.exists()
