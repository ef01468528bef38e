"""From an event in the inbox to an ended run, in this process, on a real database."""

import pytest

from apps.executor.drain import Drain
from apps.runner.consume_events import consume_events
from apps.state.models import Attempt, History, LeasedItem, ReadyItem, Run, ScheduledItem, Step
from tests.functions import ScriptedDriver, append, deploy_function

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_event_runs_its_function_to_completion(driver: ScriptedDriver) -> None:
    deploy_function({"a": (), "b": ("a",), "c": ("a",), "d": ("b",)})
    append(count=3)
    assert consume_events() == 3
    Drain("steps").run()
    assert list(Run.objects.values_list("status", flat=True)) == ["completed"] * 3
    assert set(driver.calls.values()) == {1}
    assert Step.objects.filter(status="completed").count() == 12
    assert Attempt.objects.count() == 12
    assert not ReadyItem.objects.exists()
    assert not LeasedItem.objects.exists()
    assert not ScheduledItem.objects.exists()
    run = Run.objects.first()
    assert run is not None
    assert [entry.kind for entry in History.objects.filter(run=run).order_by("id")] == [
        "run.queued",
        *["step.completed"] * 4,
        "run.completed",
    ]
