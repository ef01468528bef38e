"""Idempotency keys and throttles: which of the events that trigger a function start it, what is said of the others."""

from typing import Any

import pytest

from apps.datastore.definition.types import Edge, EventTrigger, Throttle
from apps.runner.consume_events import consume_events
from apps.state.guards import stored_key
from apps.state.models import NotStarted, Run, StartGuard
from tests.clock import Clock
from tests.functions import append, deploy_steps
from tests.runner.acting import consume_these, send
from tests.state.racing import race

pytestmark = pytest.mark.django_db

STEPS = {"a": [Edge("$trigger")]}
BY_KEY = "event.data.key"
DAY = 86_400


def deploy_guarded(*triggers: EventTrigger, **fields: Any) -> None:
    if triggers:
        fields["triggers"] = triggers
    deploy_steps(STEPS, **fields)


def started() -> list[int]:
    return sorted(Run.objects.values_list("event_seq", flat=True))


def reasons() -> dict[int, tuple[str, str]]:
    return {seq: (why, reason) for seq, why, reason in NotStarted.objects.values_list("event_seq", "why", "reason")}


def test_of_the_events_with_one_key_the_first_starts_a_run() -> None:
    deploy_guarded(idempotency=BY_KEY)
    first, again, other = send(key="k"), send(key="k"), send(key="l")
    consume_events()
    later = send(key="k")
    consume_events()
    assert started() == [first, other]
    said = reasons()
    assert said.keys() == {again, later}
    assert {why for why, _ in said.values()} == {"idempotency"}
    assert "has started it already for the key 'k'" in said[again][1]


def test_a_key_holds_for_a_day_and_not_a_moment_longer(clock: Clock) -> None:
    deploy_guarded(idempotency=BY_KEY)
    first = send(key="k")
    consume_events()
    clock.move(seconds=DAY - 1e-6)
    early = send(key="k")
    consume_events()
    assert started() == [first]
    clock.move(seconds=1e-6)
    next_day = send(key="k")
    consume_events()
    assert started() == [first, next_day]
    assert reasons().keys() == {early}
    # The window of the second run is a whole day again.
    clock.move(seconds=DAY - 1)
    send(key="k")
    consume_events()
    assert started() == [first, next_day]


def test_a_setting_says_how_long_keys_hold(clock: Clock, settings: Any) -> None:
    settings.IDEMPOTENCY_SECONDS = 60
    deploy_guarded(idempotency=BY_KEY)
    send(key="k")
    consume_events()
    clock.move(seconds=60)
    send(key="k")
    consume_events()
    assert len(started()) == 2


@pytest.mark.parametrize("data", [{}, {"key": None}, {"key": ""}])
def test_a_key_that_comes_to_nothing_limits_nothing(data: dict[str, Any]) -> None:
    deploy_guarded(idempotency=BY_KEY)
    seqs = [send(**data) for _ in range(3)]
    consume_events()
    assert started() == seqs
    assert not StartGuard.objects.exists()


ODD = [
    "\0",
    "a\0b",
    "\ud800",
    "x" * 100_000,
    "é" * 160,
    "é" * 161,
    " ",
    "\n",
    "'; --",
    "sha256:",
    "\U0010ffff",
    "\u202e",
]


def test_keys_of_every_kind_are_told_apart() -> None:
    deploy_guarded(idempotency=BY_KEY)
    firsts = []
    for key in [*ODD, 1, 1.5, True, [1], {"a": 1}]:
        firsts.append(send(key=key))
        send(key=key)
    assert consume_events() == 2 * len(firsts)
    assert started() == firsts
    assert len(reasons()) == len(firsts)


@pytest.mark.parametrize("key", ODD)
def test_a_key_is_stored_as_one_that_a_row_can_hold(key: str) -> None:
    stored = stored_key(key)
    assert len(stored) <= 200
    assert stored.isprintable()
    stored.encode()


def test_keys_of_two_functions_are_two_keys() -> None:
    deploy_guarded(idempotency=BY_KEY, slug="one")
    deploy_guarded(idempotency=BY_KEY, slug="two")
    send(key="k")
    consume_events()
    assert Run.objects.count() == 2


def test_idempotency_overrides_the_throttle() -> None:
    deploy_guarded(idempotency=BY_KEY, throttle=Throttle(1, 60.0))
    send(key="k")
    send(key="l")
    send()
    consume_events()
    assert Run.objects.count() == 3
    assert not NotStarted.objects.exists()


def test_a_throttle_starts_the_first_of_a_window_and_drops_the_rest(clock: Clock) -> None:
    deploy_guarded(throttle=Throttle(2, 60.0))
    first = [send() for _ in range(4)]
    consume_events()
    assert started() == first[:2]
    assert {why for why, _ in reasons().values()} == {"throttle"}
    assert "the throttle of 2 in 60 s is used up, since event" in reasons()[first[3]][1]
    clock.move(seconds=60 - 1e-6)
    send()
    consume_events()
    assert started() == first[:2]
    clock.move(seconds=1e-6)
    second = [send() for _ in range(3)]
    consume_events()
    assert started() == [*first[:2], *second[:2]]


def test_a_window_begins_with_its_first_start_and_not_with_the_end_of_the_last(clock: Clock) -> None:
    deploy_guarded(throttle=Throttle(1, 60.0))
    seqs = [send()]
    consume_events()
    clock.move(seconds=90)
    seqs.append(send())
    consume_events()
    clock.move(seconds=45)
    send()
    consume_events()
    assert started() == seqs


def test_a_throttle_counts_each_value_of_its_key() -> None:
    deploy_guarded(throttle=Throttle(2, 60.0, "user-{{ event.data.key }}"))
    seqs = [send(key=key) for key in "abbbaacb"]
    consume_events()
    assert started() == [seqs[place] for place in (0, 1, 2, 4, 6)]


def test_an_expression_that_is_not_true_starts_nothing_and_is_told() -> None:
    deploy_guarded(EventTrigger("test/event", "event.data.n > 5"))
    yes, no, missing = send(n=6), send(n=5), send(n=None)
    odd = send(n={"a": 1})
    consume_events()
    assert started() == [yes]
    said = reasons()
    assert said.keys() == {no, missing, odd}
    assert said[no] == ("expression", "`event.data.n > 5` is not true")
    assert all("event.data.n > 5" in reason for _, reason in said.values())


def test_an_expression_that_cannot_be_evaluated_starts_nothing_and_says_why() -> None:
    deploy_guarded(EventTrigger("test/event", "event.data.n + 1 > 5"), EventTrigger("test/event", "event.data.go"))
    faulty, started_all_the_same, odd = send(n="x"), send(n="x", go=True), send(n=1, go="yes")
    consume_events()
    assert started() == [started_all_the_same]
    assert reasons()[faulty][0] == reasons()[odd][0] == "expression error"
    assert "`event.data.n + 1 > 5` cannot be evaluated: " in reasons()[faulty][1]


def test_several_triggers_that_an_event_meets_start_once_and_count_once() -> None:
    one, two, three = (EventTrigger("test/event", text) for text in ("event.data.n > 1", "event.data.n > 2", "true"))
    deploy_guarded(one, two, three, EventTrigger("test/other"), throttle=Throttle(2, 60.0))
    seqs = [send(n=3), send("test/other", n=3), send(n=3)]
    consume_events()
    assert started() == seqs[:2]


def test_what_an_expression_refuses_uses_up_no_throttle() -> None:
    deploy_guarded(EventTrigger("test/event", "event.data.go"), throttle=Throttle(1, 60.0))
    send(go=False)
    yes = send(go=True)
    consume_events()
    assert started() == [yes]


def test_a_key_that_cannot_be_evaluated_starts_nothing_and_says_why() -> None:
    deploy_guarded(idempotency="event.data.key + 1")
    faulty, fine = send(key="x"), send(key=1)
    consume_events()
    assert started() == [fine]
    why, reason = reasons()[faulty]
    assert (why, reason.split(":")[0]) == ("expression error", "its key cannot be evaluated")


def test_the_order_in_which_events_were_accepted_decides_within_a_batch() -> None:
    deploy_guarded(throttle=Throttle(3, 60.0))
    seqs = append(count=10)
    consume_these(*reversed(seqs))
    assert started() == seqs[:3]


def test_a_reason_that_no_row_can_hold_is_kept_as_well_as_it_can() -> None:
    deploy_guarded(idempotency=BY_KEY)
    send(key="a\0\ud800")
    again = send(key="a\0\ud800")
    consume_events()
    assert "for the key" in reasons()[again][1]


@pytest.mark.django_db(transaction=True)
def test_consumers_of_one_key_at_once_start_one_run() -> None:
    rounds = 120
    deploy_guarded(idempotency=BY_KEY)
    seqs = [[send(key=number) for _ in range(3)] for number in range(rounds)]
    race(rounds, *[lambda number, one=one: consume_these(seqs[number][one]) for one in range(3)], spread=0.002)
    flat = [seq for of_round in seqs for seq in of_round]
    assert [flat.index(seq) // 3 for seq in started()] == list(range(rounds))
    assert Run.objects.count() == rounds
    assert NotStarted.objects.count() == 2 * rounds


@pytest.mark.django_db(transaction=True)
def test_consumers_at_once_start_exactly_as_many_as_the_throttle_allows() -> None:
    rounds, size = 60, 4
    deploy_guarded(throttle=Throttle(5, 600.0, BY_KEY))
    seqs = [[[send(key=number) for _ in range(size)] for _ in range(3)] for number in range(rounds)]
    race(rounds, *[lambda number, one=one: consume_these(*seqs[number][one]) for one in range(3)], spread=0.002)
    assert set(StartGuard.objects.values_list("count", flat=True)) == {5}
    assert Run.objects.count() == 5 * rounds
    assert NotStarted.objects.count() == (3 * size - 5) * rounds


@pytest.mark.django_db(transaction=True)
def test_batches_of_the_same_keys_in_other_orders_do_not_wait_for_each_other_in_a_circle() -> None:
    rounds, size = 50, 12
    deploy_guarded(idempotency=BY_KEY)
    keys = range(size)
    batches = [
        [
            [send(key=f"{number // 2}-{key}") for key in order]
            for order in (keys, reversed(keys), [*keys[size // 2 :], *keys[: size // 2]])
        ]
        for number in range(rounds)
    ]
    race(rounds, *[lambda number, one=one: consume_these(*batches[number][one]) for one in range(3)], spread=0.001)
    assert Run.objects.count() == StartGuard.objects.count() == rounds // 2 * size
