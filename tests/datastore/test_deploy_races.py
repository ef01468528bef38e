"""Deploys at once with each other and with starts: numbers stay unique, and a run is of one version throughout."""

from collections import Counter

import pytest

from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.models import EventTrigger, Function, FunctionVersion
from apps.datastore.versions import load_version
from apps.runner.consume_events import consume_events
from apps.state.models import Run, Step
from tests.functions import append, define, deploy, deploy_function, dev_environment, take_down
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


def variant(number: int) -> FunctionDefinition:
    """A definition that differs from those of other numbers in its first steps."""
    return define({f"{side}-{number}": () for side in ("left", "right")})


def test_a_run_is_of_one_version_whatever_is_deployed_meanwhile() -> None:
    environment = dev_environment()
    deploy(environment, variant(1_000), {})

    def deploy_another(number: int) -> None:
        deploy(environment, variant(number), {})

    def start(number: int) -> None:
        append(count=3)
        consume_events()

    race(150, deploy_another, start, spread=0.002)
    assert Run.objects.count() == 450
    for run in Run.objects.all():
        steps = set(Step.objects.filter(run=run).values_list("step_id", flat=True))
        assert steps == set(load_version(run.version_id).definition.steps)
        assert run.version.function_id == run.function_id
    assert len(set(Run.objects.values_list("version_id", flat=True))) > 20


def test_a_function_that_is_replaced_is_never_missed_by_an_event() -> None:
    environment = dev_environment()
    deploy_function()

    def deploy_another(number: int) -> None:
        deploy(environment, variant(number), {})

    def start(number: int) -> int:
        append()
        return consume_events()

    _, consumed = race(100, deploy_another, start)
    assert sum(count or 0 for count in consumed) == Run.objects.count() == 100


def test_two_deploys_at_once_both_make_a_version_and_one_of_them_is_live() -> None:
    environment = dev_environment()
    rounds = 60
    race(
        rounds,
        lambda number: deploy(environment, variant(2 * number), {}),
        lambda number: deploy(environment, variant(2 * number + 1), {}),
    )
    function = Function.objects.get()
    assert sorted(function.versions.values_list("number", flat=True)) == list(range(1, 2 * rounds + 1))
    assert EventTrigger.objects.get().version_id == function.live_version_id
    assert function.live_version is not None
    assert function.live_version.number == 2 * rounds


def test_the_same_deploy_twice_at_once_makes_one_version() -> None:
    environment = dev_environment()
    rounds = 60

    def deploy_it(number: int) -> bool:
        return deploy(environment, variant(number), {}).changed

    changed = race(rounds, deploy_it, deploy_it)
    assert FunctionVersion.objects.count() == rounds
    assert Counter(one + other for one, other in zip(*changed, strict=True)) == {1: rounds}


def test_a_deploy_and_a_take_down_leave_triggers_only_where_a_version_is_live() -> None:
    environment = dev_environment()

    def deploy_it(number: int) -> None:
        deploy(environment, variant(number), {})

    def take_it_down(number: int) -> None:
        take_down(environment, "fn")
        function = Function.objects.filter(slug="fn").first()
        assert function is not None or number == 0

    deploy_it(1_000)
    for _ in range(60):
        race(1, deploy_it, take_it_down)
        function = Function.objects.get()
        live = [] if function.live_version_id is None else [function.live_version_id]
        assert list(EventTrigger.objects.values_list("version_id", flat=True)) == live
