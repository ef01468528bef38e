"""Which steps a run may still reach: what is skipped never runs, and nothing is pending when a run has ended."""

from itertools import pairwise

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.core_api.reachability import NOTHING_LED, KnownWait, Reached, reason_skipped, unreached_steps
from apps.datastore.definition.types import TRIGGER, Edge, FunctionDefinition
from tests.core_api.lives import PAID, SENT, Life, definitions
from tests.functions import define_steps


def skipped(definition: FunctionDefinition, steps: dict[str, str], *waits: KnownWait) -> dict[str, str]:
    """The steps that are skipped, with their reasons, in the order of the document."""
    reached = Reached(steps, waits)
    found = [step_id for step_id, may_be in unreached_steps(definition, reached).items() if not may_be]
    return {step_id: reason_skipped(definition.steps[step_id], reached, found, []) for step_id in found}


def wait(status: str, arrived: str = "", timed_out: str = "", after: str = "a") -> KnownWait:
    return KnownWait((after,), "order/paid", None, status, frozenset(arrived.split()), frozenset(timed_out.split()))


def test_what_is_behind_an_open_step_may_be_reached() -> None:
    chain = define_steps({"a": [Edge(TRIGGER)], "b": [Edge("a")], "c": [Edge("b")]})
    assert unreached_steps(chain, Reached({"a": "open"}, [])) == {"b": True, "c": True}


def test_what_is_behind_a_failed_step_is_skipped_however_far() -> None:
    names = [f"s{number}" for number in range(1_000)]
    long = define_steps({"s0": [Edge(TRIGGER)], **{name: [Edge(before)] for before, name in pairwise(names)}})
    told = skipped(long, {"s0": "failed"})
    assert list(told) == names[1:]
    assert (told["s1"], told["s999"]) == ("s0 failed", "s998 was skipped")
    assert skipped(long, {"s0": "open"}) == {}


def test_a_join_is_skipped_as_soon_as_one_of_its_steps_is_lost() -> None:
    join = define_steps({"a": [Edge(TRIGGER)], "b": [Edge(TRIGGER)], "all": [Edge(steps=("a", "b"))]})
    assert skipped(join, {"a": "open", "b": "open"}) == {}
    assert skipped(join, {"a": "completed", "b": "open"}) == {}
    assert skipped(join, {"a": "open", "b": "failed"}) == {"all": "b failed"}
    assert skipped(join, {"a": "cancelled", "b": "open"}) == {"all": "a was cancelled"}


def test_one_edge_that_may_be_walked_is_enough() -> None:
    either = define_steps({"a": [Edge(TRIGGER)], "b": [Edge(TRIGGER)], "c": [Edge("a"), Edge("b")]})
    assert skipped(either, {"a": "failed", "b": "open"}) == {}
    assert skipped(either, {"a": "failed", "b": "failed"}) == {"c": "a failed; b failed"}


def test_both_branches_of_an_open_wait_may_be_reached_and_then_one() -> None:
    branching = define_steps(
        {"a": [Edge(TRIGGER)], "b": [Edge("a", listen=PAID)], "c": [Edge("a", listen=PAID, on_timeout=True)]}
    )
    assert skipped(branching, {"a": "completed"}, wait("open", "b", "c")) == {}
    arrived = skipped(branching, {"a": "completed", "b": "open"}, wait("arrived", "b", "c"))
    assert arrived == {"c": "after a: order/paid arrived"}
    timed_out = skipped(branching, {"a": "completed", "c": "open"}, wait("timed out", "b", "c"))
    assert timed_out == {"b": "after a: order/paid did not arrive in time"}
    cancelled = skipped(branching, {"a": "completed"}, wait("cancelled", "b", "c"))
    assert set(cancelled.values()) == {"after a: order/paid had not arrived when the run ended"}


def test_a_wait_of_another_edge_is_no_reason() -> None:
    two = define_steps({"a": [Edge(TRIGGER)], "b": [Edge("a", listen=SENT), Edge("a", listen=PAID, on_timeout=True)]})
    assert skipped(two, {"a": "completed"}, wait("arrived", timed_out="b")) == {"b": "after a: order/paid arrived"}


def test_the_history_gives_the_reason_where_it_has_one() -> None:
    plain = define_steps({"a": [Edge(TRIGGER)], "b": [Edge("a", condition="false")]})
    reached = Reached({"a": "completed"}, [])
    assert reason_skipped(plain.steps["b"], reached, ["b"], ["after a: `false` is not true"]) == (
        "after a: `false` is not true"
    )
    assert reason_skipped(plain.steps["b"], reached, ["b"], []) == NOTHING_LED


def test_a_run_without_its_steps_has_skipped_them_all() -> None:
    assert list(skipped(define_steps({"a": [Edge(TRIGGER)], "b": [Edge("a")]}), {})) == ["a", "b"]


@hypothesis_settings(max_examples=200, deadline=None, database=None)
@given(definition=definitions(), data=st.data())
def test_what_is_skipped_never_runs_and_in_the_end_all_that_never_ran_is(
    definition: FunctionDefinition, data: st.DataObject
) -> None:
    life = Life(definition, lambda: data.draw(st.booleans()))
    life.begin()
    given_up: set[str] = set()
    while happenings := life.open():
        pending = life.pending()
        assert given_up <= {name for name, may_be in pending.items() if not may_be}
        given_up = {name for name, may_be in pending.items() if not may_be}
        if data.draw(st.integers(0, 15)) == 0:
            life.cancel()
        else:
            data.draw(st.sampled_from(happenings))()
    assert not any(life.pending().values())
    assert given_up.isdisjoint(life.steps)
    reached = life.reached()
    for step_id in life.pending():
        reason = reason_skipped(definition.steps[step_id], reached, life.pending(), [])
        by_condition = any(edge.condition for edge in definition.steps[step_id].after)
        assert (reason != NOTHING_LED) or by_condition


@hypothesis_settings(max_examples=100, deadline=None, database=None)
@given(definition=definitions(), data=st.data())
def test_a_step_that_is_pending_is_reached_in_some_life(definition: FunctionDefinition, data: st.DataObject) -> None:
    life = Life(definition, lambda: data.draw(st.booleans()))
    life.begin()
    for _ in range(data.draw(st.integers(0, 6))):
        if happenings := life.open():
            data.draw(st.sampled_from(happenings))()
    pending = {name for name, may_be in life.pending().items() if may_be}
    lucky = Life(definition, lambda: True, dict(life.steps), list(life.waits))
    for _ in range(1_000):
        # Every step completes and every condition is true; of each wait both branches are tried, which no run does.
        for place, wait in enumerate(lucky.waits):
            if wait.status == "open":
                lucky.waits[place] = wait._replace(status="arrived")
                for step_id in wait.arrived | wait.timed_out:
                    lucky.steps.setdefault(step_id, "open")
        for step_id in [name for name, status in lucky.steps.items() if status == "open"]:
            lucky.end_step(step_id)
        if not lucky.open():
            break
    assert pending <= lucky.steps.keys()
