"""Fifty branches that finish at once, on several worker processes: no call is lost and none is doubled."""

from collections import Counter

from tests.sdk.harness import App, Call, SdkServer, hash_of
from tests.waiting import wait_for

_RETURNED = "SELECT run_id, step_id, reason FROM state_history WHERE kind = 'step.returned' AND run_id = ANY (%s)"
_ENDED = (
    "SELECT count(*) FROM state_run JOIN datastore_function AS function ON function.id = function_id"
    " WHERE function.slug = 'fastapi-fans' AND ended_at IS NOT NULL"
)
BRANCHES = 50
HASHES = Counter(hash_of(f"branch {number}") for number in range(BRANCHES))


def fan(dev: SdkServer, fastapi: App, runs: int, *, race: bool) -> dict[str, list[Call]]:
    """So many runs, all at once; the calls of each, once all have ended well."""
    before = dev.number(_ENDED)
    data = {"branches": BRANCHES, "race": race}
    events = dev.send([{"name": "test/fans", "data": data}] * runs)
    wait_for(lambda: dev.number(_ENDED) >= before + runs, "all runs have ended", 200)
    ended = [dev.completed(event) for event in events]
    assert {run["output"] for run in ended} == {sum(range(BRANCHES))}
    calls: dict[str, list[Call]] = {run["run_id"]: [] for run in ended}
    for call in fastapi.calls():
        calls.setdefault(call.run, []).append(call)
    found = {run["run_id"]: calls[run["run_id"]] for run in ended}
    assert not dev.rows(_RETURNED, list(found)), "a worker was taken for dead, so its calls were made twice"
    return found


def test_a_hundred_runs_call_the_function_exactly_as_often_as_the_protocol_says(dev: SdkServer, fastapi: App) -> None:
    found = fan(dev, fastapi, 100, race=False)
    assert Counter(len(calls) for calls in found.values()) == {1 + BRANCHES + 1: 100}
    for calls in found.values():
        assert Counter(call.step for call in calls if call.step != "step") == HASHES
        assert not any(call.immediate_off for call in calls if call.step == "step")


def test_racing_branches_call_the_function_at_least_once_after_the_last_of_them(dev: SdkServer, fastapi: App) -> None:
    found = fan(dev, fastapi, 10, race=True)
    for calls in found.values():
        assert 1 + BRANCHES + 1 <= len(calls) <= 1 + BRANCHES + BRANCHES
        assert Counter(call.step for call in calls if call.step != "step") == HASHES
        last_branch = max(call.ended or 0 for call in calls if call.step != "step")
        assert any(call.at > last_branch for call in calls if call.step == "step")
