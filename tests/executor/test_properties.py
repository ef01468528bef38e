"""Whatever fails, is delivered twice or loses its worker: every run ends, and each step's result counts once."""

import threading
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.executor.chores.reclaim_leases import reclaim_leases
from apps.executor.chores.wake_due import wake_due
from apps.executor.drain import Drain
from apps.executor.worker import WorkerProcess
from apps.runner.consume_events import consume_events
from apps.state import queue
from apps.state.models import Attempt, History, Run, Step, Worker
from tests.executor.graphs import Story, stories
from tests.functions import ScriptedDriver, append, deploy_function, left_over
from tests.state.items import LEASE_SECONDS, QUEUE, add_worker, execute, silence
from tests.state.racing import race

PATIENCE = 200
"""Actions after which a run must have ended."""
_slugs = count()


def property_test(examples: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture
def deaths(settings: object) -> None:
    """Leases are lost soon, and delays between attempts are none but for what a story says."""
    settings.LEASE_SECONDS = LEASE_SECONDS  # type: ignore[attr-defined]
    settings.LEASE_MAX_RETURNS = PATIENCE  # type: ignore[attr-defined]
    settings.RETRY_SCALE = 0.0  # type: ignore[attr-defined]


def start(story: Story, runs: int) -> str:
    slug = f"story-{next(_slugs)}"
    deploy_function(story.graph, slug=slug, event=slug, attempts=story.attempts)
    append(slug, count=runs)
    return slug


def assert_told(story: Story, slug: str, runs: int) -> None:
    """Everything is as the model says, and nothing is left."""
    assert left_over() == {}
    ended = Run.objects.filter(function__slug=slug)
    assert list(ended.values_list("status", flat=True)) == [story.status()] * runs
    reached = story.reached()
    for run in ended:
        steps = {step.step_id: step for step in Step.objects.filter(run=run)}
        assert steps.keys() == reached
        for name, step in steps.items():
            assert step.status == ("completed" if story.ends_well(name) else "failed")
            assert step.output == (f'"{name}"' if story.ends_well(name) else None)
            assert step.attempts == story.tries(name)
            numbers = Attempt.objects.filter(run=run, step_id=name).values_list("number", flat=True)
            assert sorted(numbers) == list(range(1, story.tries(name) + 1))
        results = History.objects.filter(run=run, kind__in=["step.completed", "step.failed"])
        assert Counter(results.values_list("step_id", flat=True)) == Counter(reached)
        assert History.objects.filter(run=run, kind=f"run.{story.status()}").count() == 1


def doomed_claim() -> None:
    """A worker leases something and is never heard of again."""
    worker = add_worker()
    queue.claim(QUEUE, worker, 2, 0)
    silence(worker)


def actions(drains: list[Drain]) -> dict[str, Callable[[], object]]:
    return {
        "consume": consume_events,
        "drain": drains[0].run,
        "other drain": drains[1].run,
        "wake": wake_due,
        "lose": doomed_claim,
        "reclaim": reclaim_leases,
    }


@pytest.mark.django_db
@pytest.mark.usefixtures("deaths")
@property_test(40)
@given(
    story=stories(),
    runs=st.integers(1, 3),
    order=st.lists(st.sampled_from(["consume", "drain", "other drain", "wake", "lose", "reclaim"]), max_size=12),
)
@example(Story({"s0": (), "s1": (), "s2": ("s0", "s1")}, 2, {"s0": ["raise"]}), 2, ["consume", "lose", "drain"])
def test_every_run_ends_as_its_story_says(
    driver: ScriptedDriver, worker: WorkerProcess, story: Story, runs: int, order: list[str]
) -> None:
    driver.answer = story.answer
    drains = [Drain(QUEUE), Drain(QUEUE)]
    execute("DELETE FROM state_worker WHERE name = 'test'")
    execute("UPDATE state_worker SET heartbeat_at = now() + interval '1 day' WHERE id = %s", (worker.id(),))
    act = actions(drains)
    slug = start(story, runs)
    for name in order:
        act[name]()
    for _ in range(PATIENCE):
        for name in ("consume", "reclaim", "wake", "drain"):
            act[name]()
        if left_over() == {}:
            break
    assert_told(story, slug, runs)


class ManyWorkers:
    """Stands for `this_worker` and is another worker process in every thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def __getattr__(self, name: str) -> object:
        if not hasattr(self._local, "worker"):
            self._local.worker = WorkerProcess()
        return getattr(self._local.worker, name)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("deaths")
@property_test(15)
@given(story=stories())
def test_workers_and_consumers_at_once_tell_the_same_story(
    driver: ScriptedDriver, monkeypatch: pytest.MonkeyPatch, story: Story
) -> None:
    runs = 8
    driver.answer = story.answer
    with monkeypatch.context() as patched:
        patched.setattr("apps.executor.drain.this_worker", ManyWorkers())
        slug = start(story, runs)

        def work(_: int) -> None:
            drain = Drain(QUEUE)
            for _ in range(PATIENCE):
                consume_events()
                wake_due()
                drain.run()
                if left_over() == {}:
                    return

        race(1, work, work, work)
        Worker.objects.all().delete()
    assert_told(story, slug, runs)
