"""Cron triggers change with the live pointer: a deploy neither loses a tick nor doubles it."""

from datetime import datetime, timedelta

import pytest

from apps.datastore.cron_triggers import Advance, advance, due_ids, take_due, take_this
from apps.datastore.models import CronTrigger, Environment
from apps.datastore.ticks import next_tick
from apps.state.clock import read_now
from tests.crons import EVERY_MINUTE, MINUTE, define_crons, deploy_crons, let_be_due
from tests.functions import define, deploy, deploy_function, dev_environment, take_down

pytestmark = pytest.mark.django_db

PARIS = "TZ=Europe/Paris 0 9 * * 1"


def live() -> dict[str, datetime | None]:
    """When each cron that is live ticks next."""
    return dict(CronTrigger.objects.values_list("cron", "next_at"))


def test_a_deploy_makes_a_trigger_that_ticks_after_the_databases_now() -> None:
    function = deploy_crons(PARIS)
    trigger = CronTrigger.objects.get()
    assert (trigger.environment_id, trigger.function_id) == (function.environment_id, function.pk)
    assert (trigger.version_id, trigger.last_tick_at) == (function.live_version_id, None)
    assert (trigger.cron, trigger.schedule, trigger.timezone) == (PARIS, "0 9 * * 1", "Europe/Paris")
    assert trigger.next_at == next_tick("0 9 * * 1", "Europe/Paris", read_now())


def test_a_function_may_have_several_crons_and_events_besides() -> None:
    deploy_crons(PARIS, EVERY_MINUTE)
    deploy_function(slug="other")
    assert set(live()) == {PARIS, EVERY_MINUTE}


def test_a_cron_that_is_written_twice_is_one_trigger() -> None:
    deploy_crons(EVERY_MINUTE, EVERY_MINUTE)
    assert set(live()) == {EVERY_MINUTE}


def test_the_same_deploy_again_changes_nothing() -> None:
    deploy_crons(EVERY_MINUTE)
    (first,) = CronTrigger.objects.values()
    deploy_crons(EVERY_MINUTE)
    assert list(CronTrigger.objects.values()) == [first]


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(hours=3)])
def test_another_version_with_the_same_cron_leaves_due_what_is_due(ago: timedelta) -> None:
    deploy_crons(EVERY_MINUTE)
    due_at = let_be_due(ago)
    (before,) = CronTrigger.objects.values()
    function = deploy_crons(EVERY_MINUTE, note="two")
    (after,) = CronTrigger.objects.values()
    assert after == before | {"version_id": function.live_version_id}
    assert after["next_at"] == due_at
    assert function.live_version_id != before["version_id"]


def test_a_changed_cron_ticks_from_the_deploy_on() -> None:
    deploy_crons(EVERY_MINUTE)
    let_be_due(timedelta(hours=3))
    deploy_crons("*/5 * * * *")
    assert live() == {"*/5 * * * *": next_tick("*/5 * * * *", "UTC", read_now())}


def test_a_cron_that_joins_others_leaves_them_alone() -> None:
    deploy_crons(EVERY_MINUTE)
    due_at = let_be_due(timedelta(hours=3))
    deploy_crons(PARIS, EVERY_MINUTE)
    assert live() == {EVERY_MINUTE: due_at, PARIS: next_tick("0 9 * * 1", "Europe/Paris", read_now())}


def test_a_cron_that_is_no_longer_there_is_gone() -> None:
    deploy_crons(PARIS, EVERY_MINUTE)
    deploy_crons(PARIS)
    assert set(live()) == {PARIS}
    deploy_function()
    assert not live()


def test_a_function_that_is_taken_down_ticks_no_more_until_it_is_deployed_again() -> None:
    deploy_crons(EVERY_MINUTE)
    let_be_due(timedelta(hours=3))
    assert take_down(dev_environment(), "fn")
    assert not live()
    deploy_crons(EVERY_MINUTE)
    assert live() == {EVERY_MINUTE: next_tick(EVERY_MINUTE, "UTC", read_now())}


def test_environments_and_functions_have_their_own() -> None:
    other = Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="other")
    deploy(other, define_crons(EVERY_MINUTE), {})
    deploy_crons(EVERY_MINUTE)
    deploy_crons(EVERY_MINUTE, slug="fn-2")
    assert CronTrigger.objects.count() == 3
    take_down(dev_environment(), "fn")
    assert set(CronTrigger.objects.values_list("environment__slug", "function__slug")) == {
        ("other", "fn"),
        ("dev", "fn-2"),
    }


def test_a_cron_that_never_ticks_is_idle() -> None:
    deploy_crons("0 0 30 2 *")
    assert live() == {"0 0 30 2 *": None}
    deploy_crons("0 0 30 2 *", note="two")
    assert live() == {"0 0 30 2 *": None}
    assert not take_due(10).triggers


def test_what_is_due_is_taken_the_longest_due_first() -> None:
    for number in range(4):
        deploy_crons(EVERY_MINUTE, slug=f"fn-{number}")
    rows = list(CronTrigger.objects.order_by("id"))
    now = read_now()
    for row, late in zip(rows, (1, 3, -1, 2), strict=True):
        CronTrigger.objects.filter(pk=row.pk).update(next_at=now - late * MINUTE)
    expected = [rows[1].pk, rows[3].pk, rows[0].pk]
    assert [one.id for one in take_due(10).triggers] == due_ids(10) == expected
    assert [one.id for one in take_due(2).triggers] == due_ids(2) == expected[:2]
    assert [one.id for one in take_this(expected[1]).triggers] == [expected[1]]
    assert take_this(rows[2].pk) == ([], None)


def test_a_taken_trigger_says_all_that_a_run_needs() -> None:
    function = deploy_crons(PARIS)
    due_at = let_be_due()
    [trigger], now = take_due(1)
    assert now == read_now()
    assert trigger == (
        CronTrigger.objects.get().pk,
        function.environment_id,
        function.pk,
        function.live_version_id,
        PARIS,
        "0 9 * * 1",
        "Europe/Paris",
        due_at,
        False,
    )


def test_a_trigger_is_advanced_once_from_where_it_stood() -> None:
    deploy_crons(EVERY_MINUTE)
    due_at = let_be_due()
    [trigger], _ = take_due(1)
    next_at = due_at + MINUTE
    assert advance([Advance(trigger, next_at, due_at)]) == {trigger.id}
    assert advance([Advance(trigger, next_at + MINUTE, due_at + MINUTE)]) == set()
    assert CronTrigger.objects.values_list("next_at", "last_tick_at").get() == (next_at, due_at)


def test_a_trigger_that_is_advanced_past_ticks_that_are_not_run_keeps_its_last_one() -> None:
    deploy_crons(EVERY_MINUTE)
    due_at = let_be_due()
    CronTrigger.objects.update(last_tick_at=due_at - MINUTE)
    [trigger], _ = take_due(1)
    assert advance([Advance(trigger, None, None)]) == {trigger.id}
    assert CronTrigger.objects.values_list("next_at", "last_tick_at").get() == (None, due_at - MINUTE)


def test_nothing_is_advanced_if_nothing_was_due() -> None:
    assert advance([]) == set()


def test_definitions_are_kept_with_their_crons() -> None:
    definition = define_crons(PARIS)
    version = deploy(dev_environment(), definition, {}).version
    assert "Europe/Paris" in version.definition
    assert definition != define()
