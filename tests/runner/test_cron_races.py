"""Several at once: a tick happens once, however many run it, and whatever is deployed meanwhile."""

import random
import time
from collections import Counter

import pytest
from django_celery_beat.models import PeriodicTask

from apps.datastore.models import CronTrigger, Function, FunctionVersion
from apps.event_stream.models import Event, InboxEntry
from apps.runner.consume_events import consume_events
from apps.runner.run_crons import run_crons
from apps.state.models import ReadyItem, Run
from tests.crons import deploy_crons
from tests.functions import dev_environment, take_down
from tests.state.items import execute
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

YEARLY = "0 0 1 1 *"
"""It does not tick by itself while a test runs."""


def let_be_due() -> None:
    """Let this year's tick be the next one again."""
    execute("UPDATE datastore_crontrigger SET next_at = date_trunc('year', now())")


def assert_runs(expected: int) -> None:
    """So many ticks: each one event, one run, one item."""
    assert Run.objects.count() == Run.objects.values("event_seq").distinct().count() == expected
    assert Event.objects.count() == InboxEntry.objects.count() == ReadyItem.objects.count() == expected


def run_late(_: int) -> int:
    """Some time in the course of a deploy, which takes longer."""
    time.sleep(random.uniform(0, 0.04))
    return run_crons()


def test_however_many_beats_ring_each_tick_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, triggers = 25, 6
    monkeypatch.setattr("apps.runner.run_crons.AT_ONCE", 2)
    for number in range(triggers):
        deploy_crons(YEARLY, slug=f"fn-{number}")

    total = 0
    for _ in range(rounds):
        let_be_due()
        ran = race(1, *[lambda _: run_crons()] * 4, spread=0.003)
        total += sum(map(sum, ran)) + run_crons()
        assert total == Run.objects.count()
    assert total == rounds * triggers
    assert_runs(rounds * triggers)
    assert set(Counter(Run.objects.values_list("function_id", flat=True)).values()) == {rounds}


def test_a_deploy_of_the_same_cron_neither_loses_its_tick_nor_doubles_it() -> None:
    rounds = 60
    deploy_crons(YEARLY)
    total = before = 0
    for number in range(rounds):
        let_be_due()
        was_live = CronTrigger.objects.get().version_id

        def deploy_another(_: int, number: int = number) -> int:
            deploy_crons(YEARLY, note=str(number))
            return 0

        ran = race(1, deploy_another, run_late, run_late)
        total += sum(map(sum, ran)) + run_crons()
        assert total == number + 1
        before += Run.objects.latest("id").version_id == was_live
    assert_runs(rounds)
    assert 0 < before < rounds, "one of both was first every time"
    assert CronTrigger.objects.get().version_id == Function.objects.get().live_version_id
    assert FunctionVersion.objects.count() == rounds + 1


def test_a_take_down_lets_a_tick_run_or_not_but_never_half() -> None:
    rounds = 40
    seen = Counter[int]()
    for number in range(rounds):
        deploy_crons(YEARLY, note=str(number))
        let_be_due()

        def take_it_down(_: int) -> int:
            assert take_down(dev_environment(), "fn")
            return 0

        ran = race(1, take_it_down, run_late)
        seen[sum(map(sum, ran))] += 1
        assert run_crons() == 0
        assert not CronTrigger.objects.exists()
    assert set(seen) == {0, 1}
    assert_runs(seen[1])


def test_deploys_of_functions_that_share_their_crons_do_not_wait_for_each_other_in_a_circle() -> None:
    rounds = 10

    def deploy_one(slug: str, crons: tuple[str, ...]) -> None:
        for turn, some in enumerate((crons, crons[::-1], crons[:1])):
            deploy_crons(*some, slug=slug, note=str(turn))
        take_down(dev_environment(), slug)

    crons = ("0 9 * * 1", "0 0 L * *", "5 5 * * *")
    dev_environment()
    race(
        rounds,
        lambda number: deploy_one("one", crons),
        lambda number: deploy_one("two", crons[::-1]),
    )
    assert not CronTrigger.objects.exists()


def test_a_bell_that_is_deleted_in_the_admin_while_its_cron_goes_does_no_harm() -> None:
    for number in range(25):
        deploy_crons(YEARLY, "0 0 2 1 *", note=str(number))
        race(
            1,
            lambda _: bool(PeriodicTask.objects.filter(name__startswith="dev/").delete()),
            lambda _: take_down(dev_environment(), "fn"),
            spread=0.004,
        )
        assert not CronTrigger.objects.exists()


def test_ticks_are_consumed_while_others_are_run() -> None:
    rounds = 20
    for number in range(5):
        deploy_crons(YEARLY, slug=f"fn-{number}")
    for _ in range(rounds):
        let_be_due()
        race(1, lambda _: run_crons(), lambda _: consume_events(), lambda _: run_crons())
        run_crons()
    consume_events()
    assert Run.objects.count() == Event.objects.count() == rounds * 5
    assert not InboxEntry.objects.exists()
