"""Answers that make no sense, or not with what is known: the run goes on, or fails soon and says why."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from apps.executor.recording import record
from apps.state.models import LeasedItem, ReadyItem
from drivers.contract import Call, Outcome
from tests.executor.sdk.working import (
    called,
    claim,
    ended,
    output_of,
    send,
    start,
    the_run,
    told,
    work,
    work_through_retries,
)
from tests.functions import succeed
from tests.sdk_functions import Ask, SdkApp, StepFault, Steps, hash_of, invoke, nothing, run, serve, signal, sleep, wait
from tests.state.items import add_worker

pytestmark = pytest.mark.django_db


def answering(app: SdkApp, *answers: Sequence[dict[str, Any]], attempts: int = 1) -> None:
    """A function whose calls are answered so, one after another; the last answer for all that come then."""
    app.answer = lambda call: app.asks(answers[min(sum(app.calls.values()), len(answers)) - 1])
    serve(app, nothing, attempts=attempts)
    start()
    work_through_retries()


RAN = {"id": "h", "displayName": "a", "op": "StepRun", "data": 1}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([], "the function asks for nothing new (no step): it has changed under its run"),
        ([RAN], "the function asks for nothing new ('a'): it has changed under its run"),
        ([{**RAN, "op": "StepPlanned"}], "the function asks for nothing new ('a'): it has changed under its run"),
        ([{**RAN, "op": "StepNotFound"}], "cannot be understood: the function has no step 'a' (h) any more"),
    ],
)
def test_an_answer_that_leads_nowhere_is_asked_for_again_and_then_fails_the_run(
    app: SdkApp, answer: list[dict[str, Any]], message: str
) -> None:
    answering(app, [RAN], answer, attempts=3)
    status, error = ended()
    assert status == "failed"
    assert message in error["message"]
    assert app.calls == {"step": 1 + 3}
    assert len(told(the_run(), "step.retrying")) == 2


def test_many_steps_that_are_known_are_named_shortly(app: SdkApp) -> None:
    answer = [{**RAN, "id": str(number), "displayName": f"s{number}"} for number in range(7)]
    answering(app, answer)
    assert "nothing new ('s0', 's1', 's2', 's3', 's4' and more)" in ended()[1]["message"]


def test_one_step_twice_in_an_answer_is_one_step(app: SdkApp) -> None:
    planned = {"id": hash_of("a"), "op": "StepPlanned"}
    app.answer = lambda call: app.asks([planned, planned]) if app.calls == {"step": 1} else None
    serve(app, lambda event: (yield run("a", lambda: 5)))
    start()
    work()
    assert ended() == ("completed", 5)
    assert app.calls == {"step": 2, hash_of("a"): 1}


def test_of_two_results_of_one_step_the_first_counts(app: SdkApp) -> None:
    answers = [{"id": hash_of("a"), "op": "StepRun", "data": data} for data in (1, 2)]
    app.answer = lambda call: app.asks(answers) if app.calls == {"step": 1} else None
    serve(app, lambda event: (yield run("a")))
    start()
    work()
    assert ended() == ("completed", 1)


def test_a_value_may_come_with_the_steps_before_it(app: SdkApp) -> None:
    app.answer = lambda call: app.asks([RAN, {"id": "r", "op": "RunComplete", "data": {"x": 1}}])
    serve(app, nothing)
    start()
    work()
    assert ended() == ("completed", {"x": 1})
    assert app.calls == {"step": 1}
    assert told(the_run(), "step.completed") == ["a: attempt 1 succeeded"]


@pytest.mark.parametrize("times", [3, 9])
def test_a_function_that_only_wants_to_be_called_again_is_but_not_for_ever(app: SdkApp, times: int) -> None:
    again = [{"id": "d", "op": "DiscoveryRequest"}]
    app.answer = lambda call: app.asks(again) if app.calls["step"] <= times else None
    serve(app, nothing, attempts=4)
    start()
    work_through_retries()
    assert ended()[0] == ("completed" if times == 3 else "failed")
    assert app.calls == {"step": 4}


def test_a_function_may_want_to_be_called_again_after_a_step(app: SdkApp) -> None:
    app.answer = lambda call: app.asks([RAN, {"id": "d", "op": "DiscoveryRequest"}]) if app.calls["step"] == 1 else None
    serve(app, nothing)
    start()
    work()
    assert ended() == ("completed", None)
    assert app.calls == {"step": 2}


def test_a_function_that_returns_takes_away_what_it_still_had_open(app: SdkApp) -> None:
    asks = [
        run("a").planned(),
        run("b").planned(),
        sleep("s", "1h").planned(),
        wait("w", "answer").planned(),
        {"id": "g", "op": "WaitForSignal", "opts": {"signal": "go", "timeout": "1h"}},
    ]
    app.answer = lambda call: (
        app.asks(asks) if app.calls["step"] == 1 and not app.calls[hash_of("a")] else succeed('"over"')
    )
    serve(app, nothing)
    start()
    record(called())
    items = [one for one in called() if one.item.step_id == hash_of("a")]
    record(items)
    assert the_run().status == "completed"
    assert output_of(the_run()) == "over"
    LeasedItem.objects.all().delete()
    assert ended() == ("completed", "over")
    send("answer")
    work()
    assert the_run().status == "completed"


def test_steps_that_are_begun_in_the_batch_in_which_the_run_ends_are_taken_away(app: SdkApp) -> None:
    """Of two calls that are recorded together one asks for more and the other returns."""
    race = [run(name).planned(parallelMode="race") for name in ("a", "b")]
    more = [run("c").planned(), sleep("s", "1h").planned(), wait("w", "answer").planned()]
    app.answer = lambda call: None if app.calls["step"] > 1 else app.asks(race) if app.calls == {"step": 1} else None

    def program(event: object) -> Steps:
        yield [run("a"), run("b")]
        return "over"

    serve(app, program)
    start()
    record(called())
    record(called())
    first, second = called()
    asking = first._replace(outcome=app.asks(more))
    failing = first._replace(outcome=Outcome(ok=False))
    assert failing.item == asking.item
    record([asking, second])
    assert ended() == ("completed", "over")


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ([], "no step"),
        ([{"id": "other", "displayName": "other", "op": "StepRun", "data": 1}], "'other'"),
        ([{"id": hash_of("a"), "displayName": "a", "op": "StepPlanned"}], "'a'"),
    ],
)
def test_a_call_for_one_step_that_is_answered_with_something_else_says_that_the_function_has_changed(
    app: SdkApp, answer: list[dict[str, Any]], named: str
) -> None:
    app.answer = lambda call: app.asks(answer) if call.runtime["step_id"] == hash_of("a") else None
    serve(app, lambda event: (yield [run("a"), run("b")]), attempts=2)
    start()
    work_through_retries()
    status, error = ended()
    assert (status, error["name"]) == ("failed", "FunctionChanged")
    assert error["message"].startswith(f"asked to run its step 'a', the function answered with {named}: it has changed")
    assert app.calls[hash_of("a")] == 2


def test_a_step_that_was_asked_for_while_it_fails_is_run_for_itself(app: SdkApp) -> None:
    """Its first try failed in a call of the function, which then asks for it next to another."""
    failing = {"id": hash_of("a"), "op": "StepError", "error": {"message": "no"}}
    app.answer = lambda call: app.asks([failing]) if app.calls == {"step": 1} else None
    serve(app, lambda event: (yield [run("a", lambda: 1), run("b", lambda: 2)]), attempts=3)
    start()
    work_through_retries()
    assert ended()[0] == "completed"
    assert app.calls == {"step": 3, hash_of("a"): 1, hash_of("b"): 1}


@pytest.mark.parametrize(
    "ask",
    [
        sleep("a", "0s"),
        wait("a", "x", "2020-01-01T00:00:00Z"),
        signal("a", "s", "2020-01-01T00:00:00Z"),
        invoke("a", "none"),
    ],
)
def test_a_step_that_fails_may_have_become_one_of_another_kind(app: SdkApp, ask: Ask) -> None:
    failing = {"id": hash_of("a"), "op": "StepError", "error": {"message": "no"}}
    app.answer = lambda call: app.asks([failing]) if app.calls == {"step": 1} else None

    def program(event: object) -> Steps:
        try:
            yield ask
        except StepFault as fault:
            return str(fault)

    serve(app, program, attempts=3)
    start()
    work_through_retries()
    assert ended() == ("completed", "there is no function 'none' to invoke" if ask.op == "InvokeFunction" else None)


def test_an_item_of_a_step_that_has_ended_is_dropped_when_it_is_loaded(app: SdkApp) -> None:
    serve(app, lambda event: (yield [run("a"), run("b")]))
    start()
    record(called())
    item = ReadyItem.objects.get(step_id=hash_of("a"))
    both = called()
    again = item.pk + 1_000_000
    ReadyItem.objects.create(
        pk=again, queue=item.queue, function_id=item.function_id, run_id=item.run_id, step_id=item.step_id, attempt=1
    )
    record([one for one in both if one.item.step_id == hash_of("a")])
    loaded = claim(add_worker())
    assert loaded is not None
    assert [one.id for one in loaded.ended] == [again]
    assert (loaded.work, loaded.over) == ([], [])
    record([one for one in both if one.item.step_id == hash_of("b")])
    work()
    assert ended()[0] == "completed"


def test_an_answer_for_a_run_that_has_ended_in_the_same_batch_is_dropped_and_said_to_be(app: SdkApp) -> None:
    serve(app, lambda event: (yield [run("a"), run("b")]))
    start()
    record(called())
    first, second = called()
    record([first._replace(outcome=succeed("1")), second])
    assert ended() == ("completed", 1)
    assert told(the_run(), "step.dropped") == ["its run had ended"]


def test_what_has_run_is_kept_beside_what_is_not_supported(app: SdkApp) -> None:
    app.answer = lambda call: app.asks([RAN, {**RAN, "id": "d", "op": "DeferAdd"}])
    serve(app, lambda event: (yield run("a")), attempts=4)
    start()
    work()
    status, error = ended()
    assert (status, app.calls) == ("failed", {"step": 1})
    assert "$[1].op: 'DeferAdd' is not supported by this server" in error["message"]
    assert told(the_run(), "step.completed")


def test_a_bad_answer_of_one_run_costs_its_neighbours_nothing(app: SdkApp) -> None:
    def answer(call: Call) -> Outcome | None:
        return app.asks([{"op": 1}]) if json.loads(call.payload)["event"]["data"]["n"] == 1 else None

    app.answer = answer
    serve(app, lambda event: (yield run("a")))
    start(3)
    work()
    from tests.functions import statuses

    assert statuses() == {"completed": 2, "failed": 1}
