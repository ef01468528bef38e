"""Everything that may meet at a wait, at once on connections of their own: it ends once, as it must; nothing sticks."""

import pytest
from django.db import transaction

from apps.datastore.definition.types import Edge
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.runner.resume_wide_events import resume_wide_events
from apps.runner.resuming import time_out
from apps.state.clock import read_now
from apps.state.ending import cancel_run
from apps.state.models import Probe, Wait
from apps.state.scheduling import promote_due
from apps.state.waits import OpenWait
from apps.state.wakes import Wakes
from tests.clock import Clock
from tests.functions import deploy_steps, left_over, statuses
from tests.runner.acting import (
    ANSWER,
    TTL,
    branches,
    call,
    consume_these,
    in_order,
    planned,
    send,
    told,
    wait_statuses,
    waiting,
    work,
)
from tests.state.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 150
SPREAD = 0.004


def the_waits(run_ids: list[str]) -> list[OpenWait]:
    """The open wait of each run, as a chore finds it."""
    waits = {wait.run_id: wait for wait in Wait.objects.filter(kind="step")}
    return [
        OpenWait(wait.pk, wait.run_id, wait.kind, wait.sources, wait.match, wait.since_seq, wait.expires_at)
        for wait in map(waits.__getitem__, run_ids)
    ]


def end_in_time_out(wait: OpenWait) -> int:
    """As the chore does it that found the wait a moment ago."""
    wakes = Wakes()
    with transaction.atomic():
        time_out([wait], read_now(), wakes)
    return wakes.ready.total()


def consume(_: int) -> int:
    return consume_events()


def probe(_: int) -> int:
    probe_waits()
    return 0


def expire(_: int) -> int:
    expire_waits()
    return 0


def resume_wide(_: int) -> int:
    resume_wide_events()
    return 0


def assert_one_branch_each(rounds: int) -> None:
    found = wait_statuses()
    assert sum(found.values()) == found.get("arrived", 0) + found.get("timed out", 0) == rounds
    assert planned("yes") == told("wait.arrived") == found.get("arrived", 0)
    assert planned("no") == told("wait.timed_out") == found.get("timed out", 0)


def assert_all_end(runs: int, status: str = "completed") -> None:
    work()
    assert statuses() == {status: runs}
    assert told(f"run.{status}") == runs
    assert left_over() == {}
    assert not Wait.objects.filter(status="open").exists()
    assert not Probe.objects.exists()


def test_a_wait_ends_with_its_event_or_without_but_never_both() -> None:
    deploy_steps(branches())
    waits = the_waits(waiting(ROUNDS))
    seqs = [send("answer", id=number) for number in range(ROUNDS)]
    race(
        ROUNDS,
        lambda number: consume_these(seqs[number]),
        lambda number: end_in_time_out(waits[number]),
        spread=SPREAD,
    )
    assert_one_branch_each(ROUNDS)
    assert len(wait_statuses()) == 2, "one side won every round, so they have hardly met"
    assert_all_end(ROUNDS)


def test_an_event_that_was_received_in_time_is_never_too_late(clock: Clock) -> None:
    deploy_steps(branches())
    for _ in range(ROUNDS):
        send(id=1)
        consume_events()
        probe_waits()
        send("answer", id=1)
        clock.move(seconds=TTL + 1)
        race(1, consume, expire, spread=SPREAD)
    assert wait_statuses() == {"arrived": ROUNDS}
    assert_one_branch_each(ROUNDS)


def test_a_wide_event_that_was_received_in_time_is_never_too_late(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.runner.handle_event.RESUMES_MOST", 1)
    monkeypatch.setattr("apps.runner.resume_wide_events.RESUMES_MOST", 1)
    deploy_steps(branches())
    for _ in range(ROUNDS):
        for _ in range(3):
            send(id=1)
        consume_events()
        probe_waits()
        send("answer", id=1)
        clock.move(seconds=TTL + 1)
        race(1, consume, expire, resume_wide, spread=SPREAD)
        resume_wide_events()
    assert wait_statuses() == {"arrived": 3 * ROUNDS}


@pytest.mark.parametrize("probers", [0, 1, 2])
def test_an_answer_that_meets_the_record_of_its_step_is_not_missed(probers: int) -> None:
    deploy_steps({"ask": [Edge("$trigger")], **branches("ask")})
    run_ids = waiting(ROUNDS)
    asked = in_order(call(), run_ids)
    seqs = [send("answer", id=number) for number in range(ROUNDS)]
    race(
        ROUNDS,
        lambda number: len(record([asked[number]["ask"]]).history),
        lambda number: consume_these(seqs[number]),
        *[probe] * probers,
        spread=SPREAD,
    )
    probe_waits()
    assert wait_statuses() == {"arrived": ROUNDS}
    assert_one_branch_each(ROUNDS)
    assert_all_end(ROUNDS)


def test_of_two_events_for_one_wait_one_counts() -> None:
    deploy_steps(branches())
    waiting(ROUNDS)
    seqs = [(send("answer", id=number), send("answer", id=number)) for number in range(ROUNDS)]
    race(
        ROUNDS,
        lambda number: consume_these(seqs[number][0]),
        lambda number: consume_these(seqs[number][1]),
        probe,
        spread=SPREAD,
    )
    assert_one_branch_each(ROUNDS)
    assert wait_statuses() == {"arrived": ROUNDS}
    assert_all_end(ROUNDS)


def test_nothing_that_an_event_resumes_outlives_a_cancel() -> None:
    deploy_steps(branches())
    run_ids = waiting(ROUNDS)
    seqs = [send("answer", id=number) for number in range(ROUNDS)]
    race(
        ROUNDS,
        lambda number: bool(consume_these(seqs[number])),
        lambda number: cancel_run(run_ids[number], "asked for"),
        spread=SPREAD,
    )
    assert len(wait_statuses()) == 2, wait_statuses()
    assert_all_end(ROUNDS, "cancelled")


def test_the_record_of_the_last_branch_and_a_time_out_end_the_run_once() -> None:
    deploy_steps({"left": [Edge("$trigger")], "right": [Edge("$trigger", listen=ANSWER)]})
    run_ids = waiting(ROUNDS)
    waits, calls = the_waits(run_ids), in_order(call(), run_ids)
    race(
        ROUNDS,
        lambda number: len(record([calls[number]["left"]]).history),
        lambda number: end_in_time_out(waits[number]),
        spread=SPREAD / 2,
    )
    assert statuses() == {"completed": ROUNDS}
    assert told("run.completed") == ROUNDS


def test_a_join_whose_last_branches_complete_at_once_is_walked_once() -> None:
    deploy_steps(
        {
            "left": [Edge("$trigger")],
            "right": [Edge("$trigger")],
            "both": [Edge(steps=("left", "right"), condition="response.left == response.right")],
            "later": [Edge(steps=("left", "right"), listen=ANSWER)],
        }
    )
    run_ids = waiting(ROUNDS)
    calls = in_order(call(), run_ids)
    race(
        ROUNDS,
        lambda number: record([calls[number]["left"]]),
        lambda number: record([calls[number]["right"]]),
        spread=SPREAD / 4,
    )
    assert planned("both") == Wait.objects.count() == ROUNDS
    for number in range(ROUNDS):
        send("answer", id=number)
    assert_all_end(ROUNDS)
    assert planned("later") == ROUNDS


def test_a_look_back_a_consumption_and_the_expiry_at_once_never_miss_the_event(clock: Clock) -> None:
    deploy_steps(branches())
    for _ in range(ROUNDS):
        send(id=1)
        consume_events()
        send("answer", id=1)
        clock.move(seconds=TTL + 1)
        race(
            1,
            probe,
            consume,
            expire,
            spread=SPREAD,
        )
    probe_waits()
    assert wait_statuses() == {"arrived": ROUNDS}
    assert_all_end(ROUNDS)


def test_a_step_that_becomes_due_while_it_is_brought_forward_runs_once(clock: Clock) -> None:
    deploy_steps({"a": [Edge("$trigger")], "b": [Edge("$trigger", wait=10.0), Edge("a")]})
    for _ in range(ROUNDS):
        send()
        consume_events()
        finished = call()
        clock.move(seconds=10)
        race(1, lambda _: bool(record(finished)), lambda _: bool(promote_due()), spread=SPREAD / 2)  # noqa: B023
        assert left_over() == {"ReadyItem": 1}
        work()
    assert_all_end(ROUNDS)
