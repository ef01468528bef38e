"""What is recorded of a call that is over, and what follows from it."""

from datetime import timedelta

import msgspec
import pytest

from apps.executor.recording import Recorded, record
from apps.state.ending import cancel_run
from apps.state.models import Attempt, History, ReadyItem, Run, ScheduledItem, Step
from apps.state.scheduling import promote_due
from apps.state.wakes import Wakes
from drivers.contract import Outcome, StepError
from tests.executor.finishing import lease, leased_runs, start, with_outcome
from tests.functions import fail, left_over, statuses, succeed
from tests.state.items import QUEUE, add_worker, execute

pytestmark = pytest.mark.django_db


def history() -> list[tuple[str, str]]:
    return list(History.objects.order_by("id").values_list("kind", "reason"))


def test_a_failed_attempt_is_scheduled_again_for_when_the_other_side_asked() -> None:
    (run,) = leased_runs(runs=1, attempts=3)
    recorded = record([with_outcome(run["step-1"], fail("busy", retry_after=90))])
    assert recorded.now is not None
    assert recorded.wakes.due == [recorded.now + timedelta(seconds=90)]
    item = ScheduledItem.objects.get()
    attempt = Attempt.objects.get()
    assert (item.attempt, item.queue, item.due_at - attempt.ended_at) == (2, QUEUE, timedelta(seconds=90))
    assert Step.objects.get().item_id == item.pk
    assert (attempt.number, attempt.ok) == (1, False)
    assert history()[-1] == ("step.retrying", "attempt 1 of 3 failed, again in 90 s: busy")
    assert statuses() == {"running": 1}


def test_each_attempt_is_kept_with_its_error_and_its_log() -> None:
    (run,) = leased_runs(runs=1, attempts=2)
    finished = run["step-1"]
    record([with_outcome(finished, Outcome(ok=False, error=StepError("Oops", "no", "at x"), log="one", retry_after=0))])
    promote_due()
    execute("UPDATE state_scheduleditem SET due_at = now()")
    promote_due()
    (again,) = lease(add_worker())
    assert again.item.attempt == 2
    record([with_outcome(again, Outcome(ok=True, output="7", log="two"))])
    first, second = Attempt.objects.order_by("number")
    assert msgspec.json.decode(first.error or "") == {"name": "Oops", "message": "no", "stack": "at x"}
    assert (first.ok, first.log, second.ok, second.error, second.log) == (False, "one", True, None, "two")
    step = Step.objects.get()
    assert (step.status, step.output, step.error, step.attempts) == ("completed", "7", None, 2)
    assert [kind for kind, _ in history()] == ["run.queued", "step.retrying", "step.completed", "run.completed"]


def test_attempts_are_counted_for_each_step_by_itself() -> None:
    (run,) = leased_runs({"a": (), "b": ()}, runs=1, attempts=2)
    record([with_outcome(run["a"], fail(retry_after=0)), run["b"]])
    execute("UPDATE state_scheduleditem SET due_at = now()")
    promote_due()
    (again,) = lease(add_worker())
    record([with_outcome(again, fail("for the last time"))])
    assert dict(Step.objects.values_list("step_id", "attempts")) == {"a": 2, "b": 1}
    assert dict(Step.objects.values_list("step_id", "status")) == {"a": "failed", "b": "completed"}
    assert ("step.failed", "attempt 2 of 2 failed, the last one: for the last time") in history()
    assert statuses() == {"failed": 1}


def test_a_failure_for_good_is_not_tried_again() -> None:
    (run,) = leased_runs(runs=1, attempts=5)
    assert record([with_outcome(run["step-1"], fail("404", for_good=True))]).wakes.due == []
    assert left_over() == {}
    assert ("step.failed", "attempt 1 of 5 failed, not to be tried again: 404") in history()
    assert history()[-1] == ("run.failed", "a step failed for good, and nothing is left to run")


def test_where_one_branch_fails_the_others_finish_and_then_the_run_has_failed() -> None:
    (run,) = leased_runs({"bad": (), "good": (), "after-bad": ("bad",), "after-good": ("good",)}, runs=1)
    record([with_outcome(run["bad"], fail())])
    assert statuses() == {"running": 1}
    record([run["good"]])
    assert statuses() == {"running": 1}
    (last,) = lease(add_worker())
    assert last.item.step_id == "after-good"
    record([last])
    assert statuses() == {"failed": 1}
    assert not Step.objects.filter(step_id="after-bad").exists()
    ended = Run.objects.get()
    assert ended.started_at is not None
    assert ended.ended_at is not None


def test_an_outcome_that_comes_twice_counts_once() -> None:
    (run,) = leased_runs({"a": (), "b": ("a",)}, runs=1)
    record([run["a"]])
    recorded = record([with_outcome(run["a"], fail())])
    assert (recorded.wakes, recorded.history) == (Wakes(), [])
    assert ReadyItem.objects.count() == 1
    assert Step.objects.get(step_id="a").status == "completed"


def test_an_outcome_whose_lease_is_gone_is_dropped_quietly() -> None:
    (run,) = leased_runs(runs=1)
    stale = run["step-1"]._replace(worker_id=add_worker())
    assert record([stale]).history == []
    assert statuses() == {"queued": 1}


def test_the_result_of_a_run_that_was_cancelled_meanwhile_is_dropped() -> None:
    (run,) = leased_runs({"a": (), "b": ("a",)}, runs=1)
    assert cancel_run(run["a"].item.run_id, "asked for")
    record([run["a"]])
    assert left_over() == {}
    assert statuses() == {"cancelled": 1}
    step = Step.objects.get()
    assert (step.status, step.output) == ("cancelled", None)
    assert history()[-2:] == [("run.cancelled", "asked for"), ("step.dropped", "its run had ended")]


def test_a_run_is_running_from_its_first_finished_attempt() -> None:
    (run,) = leased_runs({"a": (), "b": ("a",)}, runs=1)
    record([run["a"]])
    found = Run.objects.get()
    assert (found.status, found.started_at) == ("running", run["a"].item.leased_at)


def test_one_batch_holds_outcomes_of_every_kind() -> None:
    start({"ok": (), "then": ("ok",), "again": (), "bad": ()}, runs=2, attempts=2)
    acts = {"ok": succeed(), "again": fail(retry_after=5), "bad": fail(for_good=True)}
    recorded = record([with_outcome(one, acts[one.item.step_id]) for one in lease(add_worker())])
    assert recorded.wakes.ready == {QUEUE: 2}
    assert recorded.now is not None
    assert recorded.wakes.due == [recorded.now + timedelta(seconds=5)] * 2
    assert statuses() == {"running": 2}
    assert left_over() == {"ReadyItem": 2, "ScheduledItem": 2}


def test_nothing_to_record_is_nothing_done() -> None:
    assert record([]) == Recorded(Wakes(), None, [])
