"""Rule 8: what is wrong with one step fails that step; its neighbours in the batch go on."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from apps.datastore import versions
from apps.datastore.models import FunctionVersion
from apps.executor import recording
from apps.executor.drain import Drain
from apps.executor.loading import UNLOADABLE_ATTEMPTS
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.state.attempts import end_attempts
from apps.state.models import Attempt, History, Run, Step
from apps.state.scheduling import promote_due
from drivers.contract import Call, Outcome, StepError
from tests.executor.finishing import lease, start, with_outcome
from tests.functions import ScriptedDriver, append, deploy_function, fail, left_over, statuses, succeed
from tests.state.items import QUEUE, add_worker, execute

pytestmark = pytest.mark.django_db

UNSTORABLE = {
    "a NUL in its output": Outcome(ok=True, output='"\0"'),
    "half a character in its output": Outcome(ok=True, output='"\ud800"'),
    "no output": Outcome(ok=True),
    "a NUL in its log": Outcome(ok=True, output="1", log="a\0b"),
    "half a character in its log": Outcome(ok=False, error=StepError("E", "m"), log="\udfff"),
    "a NUL in its error": Outcome(ok=False, error=StepError("E", "a\0b"), retryable=False),
    "half a character in its error": Outcome(ok=False, error=StepError("E", "\ud800"), retryable=True),
    "a wait for longer than there is time": Outcome(ok=False, error=StepError("E", "m"), retry_after=1e30),
    "a wait that is no number": Outcome(ok=False, error=StepError("E", "m"), retry_after=float("nan")),
}


@pytest.mark.parametrize("outcome", UNSTORABLE.values(), ids=UNSTORABLE)
def test_an_outcome_that_the_database_refuses_fails_its_own_step(outcome: Outcome) -> None:
    start({"a": (), "b": ("a",)}, runs=3, attempts=2)
    bad, *good = lease(add_worker())
    recorded = record([good[0], with_outcome(bad, outcome), good[1]])
    assert recorded.wakes.ready == {QUEUE: 2}
    assert dict(Run.objects.values_list("id", "status")) == {
        bad.item.run_id: "failed",
        good[0].item.run_id: "running",
        good[1].item.run_id: "running",
    }
    step = Step.objects.get(run_id=bad.item.run_id)
    assert step.status == "failed"
    assert "could not be stored" in (step.error or "")
    assert History.objects.filter(run_id=bad.item.run_id, kind="step.failed").count() == 1
    assert left_over() == {"ReadyItem": 2}


def test_an_item_of_which_nothing_can_be_recorded_holds_up_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    start(runs=3)
    bad, *good = lease(add_worker())

    def refuse(attempts: Any, now: Any) -> None:
        if any(one.run_id == bad.item.run_id for one in attempts):
            raise ValueError("not this one")
        end_attempts(attempts, now)

    monkeypatch.setattr(recording, "end_attempts", refuse)
    record([bad, *good])
    assert statuses() == {"queued": 1, "completed": 2}
    assert left_over() == {"LeasedItem": 1}  # the next heartbeat gives it back


def test_while_the_database_is_away_nothing_is_blamed_on_the_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    start(runs=2)
    finished = lease(add_worker())

    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(recording, "settle_runs", away)
        with pytest.raises(OperationalError):
            record(finished)
    assert statuses() == {"queued": 2}
    assert left_over() == {"LeasedItem": 2}
    record(finished)
    assert statuses() == {"completed": 2}


def test_what_cannot_be_redacted_fails_the_attempt_and_is_not_kept(
    driver: ScriptedDriver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(outcome: Outcome, call: Call) -> Outcome:
        raise MemoryError(f"at {outcome.log}")

    monkeypatch.setattr("apps.executor.drain.redact", break_down)
    driver.answer = lambda call: Outcome(ok=True, output='"hush"', log="hush")
    start()
    Drain(QUEUE).run()
    assert statuses() == {"failed": 1}
    step, attempt = Step.objects.get(), Attempt.objects.get()
    assert "MemoryError" in str(attempt.error)
    assert not any("hush" in f"{one}" for one in (step.output, attempt.error, attempt.log, caplog.text))


def test_a_driver_that_raises_fails_the_attempt(driver: ScriptedDriver) -> None:
    def answer(call: Call) -> Outcome:
        if call.step_id == "bad":
            raise ValueError("a fault of ours")
        return succeed()

    driver.answer = answer
    start({"bad": (), "good": ()})
    Drain(QUEUE).run()
    assert dict(Step.objects.values_list("step_id", "status")) == {"bad": "failed", "good": "completed"}
    assert "the driver failed: a fault of ours" in (Step.objects.get(step_id="bad").error or "")


def breaks_definition(version_id: int) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE datastore_functionversion DISABLE TRIGGER version_is_immutable")
    execute("UPDATE datastore_functionversion SET definition = '{' WHERE id = %s", (version_id,))


def loses_version(version_id: int) -> None:
    execute("UPDATE datastore_function SET live_version_id = NULL WHERE live_version_id = %s", (version_id,))
    execute("DELETE FROM datastore_eventtrigger WHERE version_id = %s", (version_id,))
    FunctionVersion.objects.filter(pk=version_id).delete()


@pytest.mark.parametrize("harm", [breaks_definition, loses_version])
def test_a_step_whose_version_cannot_be_read_is_tried_again_and_fails_alone(
    driver: ScriptedDriver, harm: Callable[[int], None]
) -> None:
    broken = deploy_function(slug="broken", event="e/x")
    deploy_function(slug="whole", event="e/x")
    append("e/x")
    consume_events()
    assert broken.live_version_id is not None
    harm(broken.live_version_id)
    versions._kept.clear()
    Drain(QUEUE).run()
    assert statuses() == {"completed": 1, "running": 1}
    assert "could not be loaded" in History.objects.get(kind="step.retrying").reason
    for _ in range(UNLOADABLE_ATTEMPTS):
        execute("UPDATE state_scheduleditem SET due_at = now()")
        promote_due()
        Drain(QUEUE).run()
    assert statuses() == {"completed": 1, "failed": 1}
    assert left_over() == {}
    assert "could not be loaded" in (Step.objects.get(status="failed").error or "")


def test_a_step_that_would_get_too_much_fails_with_a_clear_error(settings: Any, driver: ScriptedDriver) -> None:
    settings.STEP_INPUT_MAX_BYTES = 100
    driver.answer = lambda call: succeed('"' + "x" * 80 + '"')
    start({"a": (), "b": ("a",), "both": ("b",), "neither": ()})
    Drain(QUEUE).run()
    status = dict(Step.objects.values_list("step_id", "status"))
    assert status == {"a": "completed", "b": "completed", "both": "failed", "neither": "completed"}
    assert "STEP_INPUT_MAX_BYTES" in (Step.objects.get(step_id="both").error or "")
    assert statuses() == {"failed": 1}


def test_an_output_that_is_too_large_fails_its_step_with_a_clear_error(driver: ScriptedDriver) -> None:
    """The limit is handed to the driver, which says so."""
    seen: list[int] = []

    def answer(call: Call) -> Outcome:
        seen.append(call.limits.output_bytes)
        return fail("the output is larger than 4194304 bytes", for_good=True)

    driver.answer = answer
    start()
    Drain(QUEUE).run()
    assert seen == [4 * 1024 * 1024]
    assert "larger than" in (Step.objects.get().error or "")
    assert statuses() == {"failed": 1}
