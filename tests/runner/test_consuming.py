"""Events are consumed in batches; one that cannot be is parked with its reason, and its neighbours start their runs."""

from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError

from apps.event_stream.consuming import StreamEvent, oldest_in_inbox, park, take_batch, take_these, unpark
from apps.event_stream.models import Event, InboxEntry, ParkedEvent
from apps.runner import consume_events as module
from apps.runner import handle_event, starting
from apps.runner.consume_events import consume_events
from apps.state.models import History, Run, Step
from apps.state.starting import start_runs
from tests.functions import append, deploy_function, dev_environment, left_over
from tests.state.counting import statements
from tests.state.items import execute

pytestmark = pytest.mark.django_db


def started() -> list[int]:
    return sorted(Run.objects.values_list("event_seq", flat=True))


def test_an_event_starts_every_function_that_listens_to_it() -> None:
    one, two = deploy_function(slug="one"), deploy_function({"a": (), "b": ()}, slug="two")
    deploy_function(slug="other", event="another/event")
    (seq,) = append()
    assert consume_events() == 1
    assert set(Run.objects.values_list("function_id", "event_seq")) == {(one.pk, seq), (two.pk, seq)}
    assert Step.objects.count() == 3
    event = Event.objects.get()
    assert set(History.objects.values_list("kind", "reason")) == {
        ("run.queued", f"event test/event {event.internal_id}")
    }


def test_a_run_is_pinned_to_the_version_that_was_live_when_it_began() -> None:
    first = deploy_function({"a": ()}).live_version_id
    append()
    consume_events()
    second = deploy_function({"b": ()}).live_version_id
    append()
    consume_events()
    assert list(Run.objects.order_by("id").values_list("version_id", flat=True)) == [first, second]


def test_events_of_another_environment_start_nothing_here() -> None:
    deploy_function()
    append()
    execute("UPDATE event_stream_event SET environment_id = %s", (dev_environment().pk + 1,))
    assert consume_events() == 1
    assert not Run.objects.exists()


def test_batches_go_on_until_the_inbox_is_empty(settings: Any) -> None:
    settings.CONSUME_BATCH = 3
    deploy_function()
    seqs = append(count=10)
    assert consume_events() == 10
    assert started() == seqs
    assert consume_events() == 0


def test_a_batch_that_would_start_too_many_runs_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle_event, "STARTS_MOST", 10)
    for number in range(4):
        deploy_function(slug=f"fn-{number}")
    append(count=20)
    with statements() as seen:
        assert consume_events() == 20
    assert Run.objects.count() == 80
    assert left_over() == {"ReadyItem": 80}
    assert sum("INTO state_run" in statement for statement in seen) == 10


def test_an_event_that_starts_more_than_a_transaction_should_is_consumed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handle_event, "STARTS_MOST", 2)
    for number in range(4):
        deploy_function(slug=f"fn-{number}")
    append(count=2)
    assert consume_events() == 2
    assert Run.objects.count() == 8


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Numbers of events whose runs the database refuses."""
    seqs: set[int] = set()

    def refuse(runs: Any, now: Any, wakes: Any) -> Any:
        if seqs & {run.event_seq for run in runs}:
            # What the database itself says of such a value.
            execute("SELECT CAST(%s AS int)", ("no number",))
        return start_runs(runs, now, wakes)

    monkeypatch.setattr(starting, "start_runs", refuse)
    return seqs


def test_a_bad_event_is_parked_with_its_reason_and_its_neighbours_start(refused: set[int]) -> None:
    deploy_function()
    seqs = append(count=7)
    refused.update([seqs[2], seqs[5]])
    assert consume_events() == 7
    assert started() == sorted(set(seqs) - refused)
    assert left_over() == {"ReadyItem": 5}
    parked = ParkedEvent.objects.order_by("seq")
    assert [one.seq for one in parked] == sorted(refused)
    assert "DataError" in parked[0].reason
    assert "no number" in parked[0].reason


def test_a_parked_event_that_is_put_back_is_consumed(refused: set[int]) -> None:
    deploy_function()
    (seq,) = append()
    refused.add(seq)
    consume_events()
    assert unpark([seq]) == 1
    consume_events()
    assert ParkedEvent.objects.get().seq == seq
    refused.clear()
    assert unpark() == 1
    assert not ParkedEvent.objects.exists()
    consume_events()
    assert started() == [seq]
    assert unpark() == 0


def test_an_event_that_is_put_back_after_it_was_consumed_starts_nothing_more() -> None:
    deploy_function()
    (seq,) = append()
    consume_events()
    ParkedEvent.objects.create(seq=seq, reason="by hand", parked_at=Event.objects.get().received_at)
    unpark([seq])
    assert consume_events() == 1
    assert Run.objects.count() == 1
    assert Step.objects.count() == 1


def test_a_bad_event_beyond_the_first_batch_is_parked_too(settings: Any, refused: set[int]) -> None:
    settings.CONSUME_BATCH = 2
    deploy_function()
    seqs = append(count=6)
    refused.update(seqs[3:5])
    assert consume_events() == 6
    assert started() == [*seqs[:3], seqs[5]]
    assert InboxEntry.objects.count() == 0


@pytest.mark.parametrize("error", [OperationalError("away"), IntegrityError("of no known kind")])
def test_while_the_database_is_away_no_event_is_blamed(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    deploy_function()
    append(count=3)

    def fails(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(module, "handle_events", fails)
        with pytest.raises(type(error)):
            consume_events()
    assert not ParkedEvent.objects.exists()
    assert InboxEntry.objects.count() == 3
    assert consume_events() == 3


def test_a_reason_that_cannot_be_stored_is_stored_as_well_as_it_can() -> None:
    (seq,) = append()
    park(seq, "a NUL \0 and half a character \ud800")
    assert ParkedEvent.objects.get().reason.startswith("a NUL \N{REPLACEMENT CHARACTER} and half a character")


def test_an_event_that_was_consumed_meanwhile_is_not_parked() -> None:
    (seq,) = append()
    take_these([seq])
    park(seq, "too late")
    assert not ParkedEvent.objects.exists()


def test_a_batch_is_the_oldest_events_in_order() -> None:
    seqs = append(count=5)
    assert oldest_in_inbox(2) == seqs[:2]
    assert [event.seq for event in take_batch(3).events] == seqs[:3]
    assert [event.seq for event in take_these([*seqs]).events] == seqs[3:]
    assert take_batch(3).events == []


def test_a_stream_event_says_where_and_what() -> None:
    (seq,) = append("a/b")
    event = Event.objects.get()
    assert take_batch(1).events == [StreamEvent(seq, dev_environment().pk, "a/b", event.internal_id, event.received_at)]


def test_data_errors_are_what_the_database_says_of_values() -> None:
    with pytest.raises(DataError, match="no number"):
        execute("SELECT CAST(%s AS int)", ("no number",))
