"""Holds what the database says of the runs to what the model says; both are asked after everything that happens."""

from datetime import datetime
from typing import Any

from tests.runner.model import Model, RunState, Sent
from tests.state.items import execute

_ITEMS = """
SELECT run_id, step_id, 'scheduled', attempt, due_at FROM state_scheduleditem
UNION ALL SELECT run_id, step_id, 'ready', attempt, NULL FROM state_readyitem
UNION ALL SELECT run_id, step_id, 'leased', attempt, NULL FROM state_leaseditem
"""
_WAITS = """
SELECT run_id, kind, sources, event_name, match, since_seq, expires_at, status, event_seq FROM state_wait ORDER BY id
"""


def rows(statement: str) -> list[tuple[Any, ...]]:
    return execute(statement)


def assert_as_told(model: Model, events: dict[int, Sent], now: datetime) -> None:
    """The waits may end when they like, as long as they may; everything else follows from that."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for run_id, *wait in rows(_WAITS):
        found.setdefault(run_id, []).append(tuple(wait))
    runs = dict(rows("SELECT id, status FROM state_run"))
    assert runs.keys() == model.runs.keys()
    for run in model.runs.values():
        _end_waits(model, run, found.get(run.id, []), events, now)
        if runs[run.id] == "cancelled" and run.status == "open":
            assert any(wait.kind == "cancel" and wait.status == "arrived" for wait in run.waits), "nothing cancelled it"
            model.cancel(run)
    model.settle()
    for run in model.runs.values():
        assert (runs[run.id] in {"queued", "running"}) if run.status == "open" else (runs[run.id] == run.status)
        assert [wait.status for wait in _in_order(run, found.get(run.id, []))] == [
            status for *_, status, _ in found.get(run.id, [])
        ]
    _assert_steps(model)


def _in_order(run: RunState, found: list[tuple[Any, ...]]) -> list[Any]:
    by_key = {wait.key: wait for wait in run.waits}
    assert len(by_key) == len(run.waits) == len(found)
    assert by_key.keys() == {wait[:6] for wait in found}
    return [by_key[wait[:6]] for wait in found]


def _end_waits(
    model: Model, run: RunState, found: list[tuple[Any, ...]], events: dict[int, Sent], now: datetime
) -> None:
    for wait, (*_, status, event_seq) in zip(_in_order(run, found), found, strict=True):
        if wait.status == status or run.status != "open":
            continue
        assert wait.status == "open", f"{wait} has ended twice"
        if status == "arrived":
            assert run.is_for(wait, events[event_seq]), f"{events[event_seq]} is not what {wait} is for"
        elif status == "timed out":
            assert wait.expires is not None
            assert wait.expires < now, f"{wait} timed out too early"
            missed = [event for event in events.values() if run.is_for(wait, event)]
            assert not missed, f"{wait} timed out, though it is for {missed}"
        else:
            continue
        model.end_wait(run, wait, status, event_seq, now)


def _assert_steps(model: Model) -> None:
    items: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for run_id, step_id, *item in rows(_ITEMS):
        items.setdefault((run_id, step_id), []).append(tuple(item))
    told = {(run.id, name): step for run in model.runs.values() for name, step in run.steps.items()}
    found = {row[:2]: row[2:] for row in rows("SELECT run_id, step_id, status, async_seq FROM state_step")}
    assert found.keys() == told.keys()
    assert items.keys() <= told.keys()
    for place, step in told.items():
        status, led_by = found[place]
        assert status == step.status, (place, step)
        assert led_by in step.led_by, (place, step)
        if step.status == "open":
            due = step.due if step.place == "scheduled" else None
            assert items.get(place) == [(step.place, step.attempt, due)], (place, step)
        else:
            # A call whose run was cancelled goes on until it is over.
            assert all(item[0] != "scheduled" for item in items.get(place, [])), (place, step)
