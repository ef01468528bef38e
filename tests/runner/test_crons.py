"""A cron that has ticked starts its function, and what was missed is caught up as far as it is to be."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django_celery_beat.models import PeriodicTask

from apps.datastore.cron_triggers import Due, take_due
from apps.datastore.models import CronTrigger
from apps.event_stream.models import Event, InboxEntry
from apps.runner import run_crons as module
from apps.runner.consume_events import consume_events
from apps.runner.run_crons import run_crons
from apps.runner.starting import start_candidates
from apps.state.clock import read_now
from apps.state.models import History, ReadyItem, Run
from tests.crons import EVERY_MINUTE, MINUTE, deploy_crons, let_be_due
from tests.functions import Rings, deploy_function, dev_environment, take_down
from tests.state.items import execute

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def ran() -> list[datetime]:
    """The ticks that have runs, by the time that their events say, in the order in which they began."""
    events = {event.seq: json.loads(event.payload) for event in Event.objects.all()}
    seqs = Run.objects.order_by("id").values_list("event_seq", flat=True)
    return [datetime.fromtimestamp(events[seq]["ts"] / 1_000, read_now().tzinfo) for seq in seqs]


def the_trigger() -> CronTrigger:
    return CronTrigger.objects.get()


def test_a_tick_is_one_event_and_one_run() -> None:
    function = deploy_crons(EVERY_MINUTE)
    due_at = let_be_due()
    assert run_crons() == 1
    event = Event.objects.get()
    assert (event.name, event.environment_id, event.duplicate) == (
        "inngest/scheduled.timer",
        dev_environment().pk,
        False,
    )
    payload = json.loads(event.payload)
    assert payload == {
        "name": "inngest/scheduled.timer",
        "data": {"cron": EVERY_MINUTE},
        "user": {},
        "id": event.internal_id,
        "ts": int(due_at.timestamp()) * 1_000,
    }
    run = Run.objects.get()
    assert (run.event_seq, run.function_id, run.version_id) == (event.seq, function.pk, function.live_version_id)
    assert History.objects.get().reason == f"event inngest/scheduled.timer {event.internal_id}"
    assert ReadyItem.objects.get().run_id == run.id


def test_the_trigger_goes_on_to_its_next_tick() -> None:
    deploy_crons("TZ=Europe/Paris */5 * * * *")
    execute("UPDATE datastore_crontrigger SET next_at = date_bin('5 min', now(), 'epoch')")
    due_at = the_trigger().next_at
    assert due_at is not None
    assert run_crons() == 1
    assert (the_trigger().next_at, the_trigger().last_tick_at) == (due_at + 5 * MINUTE, due_at)
    assert run_crons() == 0
    assert ran() == [due_at]


def test_before_its_time_nothing_ticks() -> None:
    deploy_crons(EVERY_MINUTE)
    assert run_crons() == 0
    assert not Event.objects.exists()


def test_the_event_goes_through_the_inbox_and_starts_its_function_no_second_time() -> None:
    deploy_crons(EVERY_MINUTE)
    other = deploy_function(slug="listens", event="inngest/scheduled.timer")
    let_be_due()
    run_crons()
    assert InboxEntry.objects.get().seq == Event.objects.get().seq
    assert consume_events() == 1
    assert Run.objects.count() == 2
    assert Run.objects.filter(function=other).count() == 1


def test_who_carries_the_runs_out_is_rung_for(rings: Rings) -> None:
    deploy_crons(EVERY_MINUTE)
    run_crons()
    assert not rings.take()
    let_be_due()
    run_crons()
    assert rings.take() == {("executor.drain", "steps"): 1, ("runner.consume_events", "events"): 1}


def test_two_crons_of_a_function_at_the_same_time_are_two_runs() -> None:
    deploy_crons("0 * * * *", "0 */1 * * *")
    execute("UPDATE datastore_crontrigger SET next_at = date_trunc('hour', now())")
    assert run_crons() == 2
    assert len(set(ran())) == 1
    assert {json.loads(event.payload)["data"]["cron"] for event in Event.objects.all()} == {
        "0 * * * *",
        "0 */1 * * *",
    }


def test_the_version_that_is_live_is_started() -> None:
    deploy_crons(EVERY_MINUTE)
    let_be_due()
    function = deploy_crons(EVERY_MINUTE, note="two")
    assert run_crons() == 1
    assert Run.objects.get().version_id == function.live_version_id


def test_a_function_that_was_taken_down_when_it_was_due_is_not_started() -> None:
    deploy_crons(EVERY_MINUTE)
    let_be_due()
    take_down(dev_environment(), "fn")
    assert run_crons() == 0


def test_after_an_hour_without_a_bell_the_newest_tick_is_caught_up() -> None:
    deploy_crons(EVERY_MINUTE)
    since = let_be_due(HOUR)
    assert run_crons() == 1
    assert ran() == [since + HOUR]
    assert the_trigger().next_at == since + HOUR + MINUTE


def test_a_daily_tick_that_was_missed_by_hours_is_caught_up() -> None:
    now = read_now()
    due_at = (now - 3 * HOUR).replace(minute=0, second=0, microsecond=0)
    deploy_crons(f"0 {due_at.hour} * * *")
    CronTrigger.objects.update(next_at=due_at - timedelta(days=2))
    assert run_crons() == 1
    assert ran() == [due_at]


def test_as_many_ticks_are_caught_up_as_the_setting_says(settings: Any) -> None:
    settings.CRON_CATCH_UP = 10
    deploy_crons(EVERY_MINUTE)
    since = let_be_due(HOUR)
    assert run_crons() == 10
    assert ran() == [since + HOUR - n * MINUTE for n in reversed(range(10))]


def test_none_is_caught_up_where_none_is_to_be(settings: Any) -> None:
    settings.CRON_CATCH_UP = 0
    now = read_now()
    due_at = (now - 3 * HOUR).replace(minute=0, second=0, microsecond=0)
    deploy_crons(EVERY_MINUTE, slug="often")
    since = let_be_due(HOUR)
    deploy_crons(f"0 {due_at.hour} * * *", slug="daily")
    CronTrigger.objects.filter(function__slug="daily").update(next_at=due_at)
    assert run_crons() == 1
    assert ran() == [since + HOUR]
    assert set(CronTrigger.objects.values_list("next_at", flat=True)) == {
        since + HOUR + MINUTE,
        due_at + timedelta(days=1),
    }


def test_while_it_is_paused_a_cron_does_not_tick_and_afterwards_there_is_no_flood(settings: Any) -> None:
    settings.CRON_CATCH_UP = 10
    deploy_crons(EVERY_MINUTE)
    PeriodicTask.objects.update(enabled=False)
    since = let_be_due(HOUR)
    assert run_crons() == 0
    assert not Event.objects.exists()
    assert (the_trigger().next_at, the_trigger().last_tick_at) == (since + HOUR + MINUTE, None)
    PeriodicTask.objects.update(enabled=True)
    assert run_crons() == 0
    CronTrigger.objects.update(next_at=since + HOUR)
    assert run_crons() == 1


def test_a_cron_whose_bell_is_gone_ticks_all_the_same() -> None:
    deploy_crons(EVERY_MINUTE)
    PeriodicTask.objects.get().delete()
    let_be_due()
    assert run_crons() == 1


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many triggers at most each transaction took."""
    sizes: list[int] = []

    def take(most: int) -> Due:
        sizes.append(most)
        return take_due(most)

    monkeypatch.setattr(module, "take_due", take)
    return sizes


def test_all_that_is_due_is_run_a_bounded_batch_at_a_time(monkeypatch: pytest.MonkeyPatch, taken: list[int]) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    for number in range(10):
        deploy_crons(EVERY_MINUTE, slug=f"fn-{number}")
    let_be_due()
    assert run_crons() == 10
    assert taken == [3] * 5
    assert Run.objects.count() == 10


def test_where_much_is_caught_up_a_transaction_takes_fewer_triggers(
    monkeypatch: pytest.MonkeyPatch, settings: Any, taken: list[int]
) -> None:
    monkeypatch.setattr(module, "STARTS_MOST", 10)
    settings.CRON_CATCH_UP = 5
    for number in range(4):
        deploy_crons(EVERY_MINUTE, slug=f"fn-{number}")
    let_be_due(HOUR)
    assert run_crons() == 20
    assert taken == [2] * 3


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Functions whose runs the database refuses."""
    functions: set[int] = set()

    def refuse(candidates: Any, *others: Any) -> None:
        if functions & {one.function_id for one in candidates}:
            execute("SELECT CAST(%s AS int)", ("no number",))
        start_candidates(candidates, *others)

    monkeypatch.setattr(module, "start_candidates", refuse)
    return functions


def test_a_tick_that_cannot_be_run_is_left_out_and_its_neighbours_are_run(refused: set[int]) -> None:
    functions = [deploy_crons(EVERY_MINUTE, slug=f"fn-{number}") for number in range(4)]
    due_at = let_be_due()
    refused.add(functions[2].pk)
    assert run_crons() == 3
    assert set(Run.objects.values_list("function_id", flat=True)) == {one.pk for one in functions} - refused
    assert Event.objects.count() == 3
    assert set(CronTrigger.objects.values_list("next_at", flat=True)) == {due_at + MINUTE}
    assert CronTrigger.objects.get(function=functions[2]).last_tick_at is None
    refused.clear()
    let_be_due()
    assert run_crons() == 4


def test_a_cron_whose_zone_is_no_longer_known_is_idle_and_its_neighbours_are_run() -> None:
    lost = deploy_crons(EVERY_MINUTE, slug="lost")
    deploy_crons(EVERY_MINUTE, slug="fn")
    let_be_due()
    CronTrigger.objects.filter(function=lost).update(timezone="Europe/Atlantis")
    assert run_crons() == 1
    assert CronTrigger.objects.get(function=lost).next_at is None


def test_while_the_database_is_away_no_tick_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    deploy_crons(EVERY_MINUTE)
    due_at = let_be_due()

    def fails(*_: object) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(module, "start_candidates", fails)
        with pytest.raises(OperationalError):
            run_crons()
    assert not Event.objects.exists()
    assert the_trigger().next_at == due_at
    assert run_crons() == 1


def test_an_error_of_the_database_about_a_value_is_one_of_a_row() -> None:
    with pytest.raises(DataError):
        execute("SELECT CAST(%s AS int)", ("no number",))
