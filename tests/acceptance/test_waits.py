"""Waits on real processes that are killed: each ends once, each run takes the branch that it must, none is stuck."""

from tests.acceptance.server import Server
from tests.acceptance.whole import assert_results_recorded_once, wait_settled
from tests.waiting import wait_for

_STEPS = "SELECT step_id, status, count(*) FROM state_step GROUP BY step_id, status"
_WAITS = "SELECT event_name, status, count(*) FROM state_wait WHERE kind = 'step' GROUP BY event_name, status"
_OPEN = "SELECT count(*) FROM state_wait WHERE status = 'open'"
_LISTENING = "SELECT count(*) FROM state_wait WHERE status = 'open' AND event_name = 'test/answer'"
_PROBES = "SELECT count(*) FROM state_probe"
_RUNS = "SELECT status, count(*) FROM state_run GROUP BY status"


def events(name: str, numbers: range) -> list[dict[str, object]]:
    return [{"name": name, "data": {"n": number}} for number in numbers]


def assert_ended(server: Server, completed: int, cancelled: int = 0) -> None:
    wait_settled(server, 90)
    assert dict(server.rows(_RUNS)) == {
        status: count for status, count in (("completed", completed), ("cancelled", cancelled)) if count
    }
    assert server.number(_OPEN) == 0
    wait_for(lambda: server.number(_PROBES) == 0, "every wait has looked back")
    assert_results_recorded_once(server)


def test_a_sequence_waits_branches_and_joins_while_every_process_is_killed_in_turn(server: Server) -> None:
    runs = 120
    workers = server.workers("one", "two")
    server.send(events("test/sequence", range(runs)))
    progress = "SELECT count(*) FROM state_step WHERE status = 'completed'"
    for number in range(6):
        before = server.number(progress)
        if number < 4:
            # Answers for some, also before their question has been recorded; and doubled.
            part = range(number * runs // 4, (number + 1) * runs // 4)
            server.send(events("test/answer", part) + events("test/answer", part))
        victim = [workers[0], server.chores, workers[1], server.beat, workers[0], server.chores][number]
        victim.kill()
        if victim in workers:
            workers[workers.index(victim)] = server.own.start_again(victim)
        elif victim is server.chores:
            server.chores = server.fleet.start_again(victim)
        else:
            server.beat = server.fleet.start_again(victim)
        wait_for(lambda before=before: server.number(progress) > before, "steps go on", 60)  # type: ignore[misc]
        # What was sent before its run began to listen does not count: those are answered again.
    wait_for(lambda: server.number(progress + " AND step_id = 'ask'") == runs, "everything was asked", 60)
    server.send(events("test/answer", range(runs)))
    assert_ended(server, completed=runs)
    done = {"ask", "pause", "thank", "hurry", "end"}
    assert {(step, status): count for step, status, count in server.rows(_STEPS)} == {
        (step, "completed"): runs for step in done
    }
    assert {(name, status): count for name, status, count in server.rows(_WAITS)} == {
        ("test/answer", "arrived"): runs,
        ("test/nothing", "timed out"): runs,
    }


def test_cancelling_events_find_their_runs_while_the_runner_is_killed(server: Server) -> None:
    runs = 60
    server.workers("one")
    server.send(events("test/sequence", range(runs)))
    server.send(events("test/cancel", range(0, runs, 2)))
    server.chores.kill()
    server.chores = server.fleet.start_again(server.chores)
    server.send(events("test/cancel", range(1, runs, 4)))
    cancelled = "SELECT count(*) FROM state_run WHERE status = 'cancelled'"
    wait_for(lambda: server.number(cancelled) == runs // 2 + runs // 4, "they are cancelled", 60)
    wait_for(lambda: server.number(_LISTENING) == runs // 4, "the others listen", 60)
    server.send(events("test/answer", range(runs)))
    assert_ended(server, completed=runs // 4, cancelled=runs // 2 + runs // 4)
