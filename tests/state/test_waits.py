"""The rows of waits: opened with a probe, found by what an event says, ended once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from apps.state.clock import read_now
from apps.state.models import History, Probe, Wait
from apps.state.probes import advance_probes, due_probes, end_probes, postpone, take_probe, take_probes
from apps.state.waits import End, Lookup, NewWait, end_waits, find_expired, find_waits, open_waits, paths_listened
from apps.state.walking import Branch, Branches, Listening, WaitKey

pytestmark = pytest.mark.django_db

BRANCHES = Branches((Branch("yes", "steps"),), (Branch("no", "steps", None, True),))


def add_wait(
    run_id: str = "run",
    *,
    name: str = "answer",
    paths: str = "",
    key: int = 0,
    expires_in: float | None = 60,
    kind: str = "step",
    environment: int = 1,
    sources: str = "a",
) -> int:
    now = read_now()
    expires_at = None if expires_in is None else now + timedelta(seconds=expires_in)
    listening = Listening(sources, name, None, WaitKey(paths, key), expires_at, BRANCHES)
    open_waits([NewWait(run_id, environment, 5, kind, 17, listening)], now)
    return Wait.objects.order_by("-id")[0].pk


def arrive(wait_id: int) -> None:
    end_waits([End(wait_id, 3, "it came")], read_now())


def look_up(name: str = "answer", paths: str = "", key: int = 0, after: int = 0, environment: int = 1) -> list[int]:
    found = find_waits([Lookup(99, environment, name, paths, key, after)], 10)
    assert all(seq == 99 for seq, _ in found)
    return [wait.id for _, wait in found]


def test_a_wait_is_opened_with_its_probe_and_told() -> None:
    wait = add_wait()
    assert list(Probe.objects.values_list("wait_id", "after_seq")) == [(wait, 17)]
    entry = History.objects.get()
    assert (entry.kind, entry.step_id) == ("wait.opened", "a")


def test_what_cancels_a_run_is_not_told() -> None:
    add_wait(kind="cancel", expires_in=None)
    assert not History.objects.exists()


def test_a_wait_is_found_by_environment_name_paths_and_key_alone() -> None:
    wait = add_wait(paths='[["data","id"]]', key=-5)
    add_wait(paths='[["data","id"]]', key=5)
    add_wait(paths='[["data","no"]]', key=-5)
    add_wait(name="other", paths='[["data","id"]]', key=-5)
    add_wait(environment=2, paths='[["data","id"]]', key=-5)
    assert look_up(paths='[["data","id"]]', key=-5) == [wait]


def test_only_open_waits_are_found() -> None:
    ended, still_open = add_wait(), add_wait()
    arrive(ended)
    assert look_up() == [still_open]
    assert paths_listened([(1, "answer")]) == {(1, "answer"): [""]}


def test_look_ups_go_on_after_a_wait() -> None:
    waits = [add_wait() for _ in range(13)]
    assert look_up() == waits[:10]
    assert look_up(after=waits[9]) == waits[10:]


def test_each_set_of_paths_is_named_once_however_many_waits_have_it() -> None:
    for paths in ("", "[a]", "[b]", "[b]", "", "[c]"):
        add_wait(paths=paths)
    add_wait(name="other", paths="[d]")
    add_wait(environment=2, paths="[e]")
    assert paths_listened([(1, "answer"), (1, "none"), (2, "answer")]) == {
        (1, "answer"): ["", "[a]", "[b]", "[c]"],
        (2, "answer"): ["[e]"],
    }


def test_a_wait_ends_once_and_says_what_follows() -> None:
    wait = add_wait()
    now = read_now()
    (ended,) = end_waits([End(wait, 3, "it came")], now)
    assert ended == ("run", 5, "step", 3, BRANCHES, "it came", "a")
    assert end_waits([End(wait, None, "too late")], now) == []
    assert end_waits([End(wait, 4, "another")], now) == []
    assert Wait.objects.get().event_seq == 3
    ends = History.objects.exclude(kind="wait.opened")
    assert list(ends.values_list("kind", "step_id", "reason")) == [("wait.arrived", "a", "it came")]


def test_a_wait_ends_without_an_event_when_it_times_out() -> None:
    wait = add_wait()
    (ended,) = end_waits([End(wait, None, "nothing came")], read_now())
    assert ended.event_seq is None
    assert Wait.objects.get().status == "timed out"
    assert History.objects.filter(kind="wait.timed_out").count() == 1


@pytest.mark.parametrize(("status", "event_seq"), [("arrived", None), ("timed out", 3), ("cancelled", 3)])
def test_the_database_refuses_a_wait_that_ends_with_what_it_cannot_have(status: str, event_seq: int | None) -> None:
    wait = add_wait()
    with pytest.raises(IntegrityError, match="wait_arrived_with_its_event"):
        Wait.objects.filter(pk=wait).update(status=status, event_seq=event_seq, ended_at=read_now())


def expired(before: datetime, most: int = 10) -> list[int]:
    return [wait.id for wait in find_expired(before, most)]


def test_waits_expire_the_oldest_first_and_not_at_the_moment_itself() -> None:
    later, sooner, _ = add_wait(expires_in=2), add_wait(expires_in=1), add_wait(expires_in=None, kind="cancel")
    Probe.objects.all().delete()
    now = read_now()
    assert expired(now + timedelta(seconds=1)) == []
    assert expired(now + timedelta(seconds=1, microseconds=1)) == [sooner]
    assert expired(now + timedelta(days=1)) == [sooner, later]
    assert expired(now + timedelta(days=1), 1) == [sooner]


def test_a_wait_that_has_not_looked_back_does_not_expire() -> None:
    wait = add_wait()
    late = read_now() + timedelta(days=1)
    assert expired(late) == []
    end_probes([wait])
    assert expired(late) == [wait]


def test_a_probe_is_taken_with_its_wait_and_without_one_that_has_ended() -> None:
    ended, wait = add_wait(), add_wait(paths="[a]", key=3)
    arrive(ended)
    probes, idle = take_probes(10)
    assert idle == [ended]
    (probe,) = probes
    assert (probe.wait_id, probe.after_seq, probe.paths, probe.key, probe.wait.id) == (wait, 17, "[a]", 3, wait)


def test_the_oldest_probes_are_taken_first() -> None:
    waits = [add_wait() for _ in range(4)]
    assert [probe.wait_id for probe in take_probes(2).probes] == waits[:2]


def test_a_probe_that_has_not_seen_all_goes_on_where_it_was() -> None:
    wait, other = add_wait(), add_wait()
    advance_probes({wait: 40}, read_now())
    end_probes([other])
    assert list(Probe.objects.values_list("wait_id", "after_seq")) == [(wait, 40)]


def test_a_wait_that_is_postponed_looks_again_later_and_does_not_time_out_before() -> None:
    broken, fine = add_wait(), add_wait()
    end_probes([broken])
    postpone(broken)
    assert due_probes(10) == [fine]
    end_probes([fine])
    assert expired(read_now() + timedelta(days=1)) == [fine]
    assert [probe.wait_id for probe in take_probe(broken).probes] == [broken]
    probe = Probe.objects.get()
    assert (probe.after_seq, probe.due_at) == (17, read_now() + timedelta(minutes=1))


def test_a_wait_that_has_ended_is_not_postponed() -> None:
    wait = add_wait()
    end_probes([wait])
    arrive(wait)
    postpone(wait)
    assert not Probe.objects.exists()


def test_a_wait_after_a_join_of_many_steps_with_long_names_is_told() -> None:
    add_wait(sources=",".join(f"{number:0100}" for number in range(100)))
    assert History.objects.get().kind == "wait.opened"


def test_nothing_to_do_costs_no_statement(django_assert_num_queries: object) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with django_assert_num_queries(0):  # type: ignore[operator]
        open_waits([], now)
        assert find_waits([], 10) == []
        assert end_waits([], now) == []
        end_probes([])
        advance_probes({}, now)
