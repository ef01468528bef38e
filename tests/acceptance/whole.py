"""What must hold after every disaster: the final assertions of every test here."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.acceptance.functions import GRAPHS, event_of
from tests.acceptance.server import Server
from tests.waiting import wait_for

QUEUE_TABLES = (
    "event_stream_inbox",
    "event_stream_parkedevent",
    "state_readyitem",
    "state_scheduleditem",
    "state_leaseditem",
)
_LEFT = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in QUEUE_TABLES)
_TOLD = """
SELECT run_id, step_id, kind FROM state_history
WHERE kind IN ('step.completed', 'step.failed', 'run.queued', 'run.completed', 'run.failed', 'run.cancelled')
"""
_TRUE = """
SELECT run_id, step_id, 'step.' || status FROM state_step WHERE status IN ('completed', 'failed')
UNION ALL SELECT id, NULL, 'run.queued' FROM state_run
UNION ALL SELECT id, NULL, 'run.' || status FROM state_run WHERE ended_at IS NOT NULL
"""
_OPEN = "SELECT count(*) FROM state_run WHERE ended_at IS NULL"


def left_over(server: Server) -> Mapping[str, int]:
    """What is still to be done, by table."""
    left = dict(zip(QUEUE_TABLES, server.rows(_LEFT)[0], strict=True))
    return {name: count for name, count in {**left, "open runs": server.number(_OPEN)}.items() if count}


def wait_settled(server: Server, seconds: float = 30.0) -> None:
    """Until nothing is left to be done."""
    try:
        wait_for(lambda: not left_over(server), "everything is done", seconds)
    except AssertionError as late:
        raise AssertionError(f"{late}; left: {left_over(server)}") from None


def assert_everything_ran(
    server: Server, accepted: Mapping[str, Sequence[str]], *, status: str = "completed", seconds: float = 30.0
) -> None:
    """Every accepted event (ids by function) was consumed, its run ended so, each step's result recorded once."""
    wait_settled(server, seconds)
    for function, ids in accepted.items():
        _assert_runs(server, function, ids, status)
    everything = "SELECT count(*) FROM event_stream_event WHERE NOT duplicate"
    assert server.number("SELECT count(*) FROM state_run") == server.number(everything)
    assert_results_recorded_once(server)


def _assert_runs(server: Server, function: str, ids: Sequence[str], status: str) -> None:
    started = Counter(
        internal_id
        for (internal_id,) in server.rows(
            "SELECT internal_id FROM state_run JOIN event_stream_event AS e ON seq = event_seq WHERE e.name = %s",
            event_of(function),
        )
    )
    assert set(ids) <= set(started), f"{len(set(ids) - set(started))} accepted events of {function} never ran"
    assert max(started.values()) == 1, "an event started two runs"
    ended = server.rows(
        "SELECT DISTINCT status FROM state_run JOIN event_stream_event AS e ON seq = event_seq WHERE e.name = %s",
        event_of(function),
    )
    assert ended == [(status,)]
    if status == "completed":
        steps = server.rows(
            "SELECT step_id, count(*) FROM state_step JOIN state_run AS run ON run.id = run_id"
            " JOIN event_stream_event AS e ON seq = event_seq WHERE e.name = %s AND state_step.status = 'completed'"
            " GROUP BY step_id",
            event_of(function),
        )
        assert dict(steps) == dict.fromkeys(GRAPHS[function], len(started))


def assert_results_recorded_once(server: Server) -> None:
    """The history has the start and the end of every run and the end of every step: each once, and no other one."""
    for one, other, what in ((_TOLD, _TRUE, "has too much"), (_TRUE, _TOLD, "lacks something")):
        unlike = server.rows(f"(({one}) EXCEPT ALL ({other})) LIMIT 5")
        assert not unlike, f"the history {what}: {unlike}"


def history(server: Server, kind: str) -> list[str]:
    """The reasons of all entries of a kind, in order."""
    return [reason for (reason,) in server.rows("SELECT reason FROM state_history WHERE kind = %s ORDER BY id", kind)]
