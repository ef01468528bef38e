"""`/v1/runs`: what is said of a run in each of its states."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.core_api import run_outcomes, steps
from apps.datastore.models import Environment
from apps.state.models import History
from tests.core_api.rows import NOW, StoredRun, add_event, add_run, add_step, version_of


def read(client: APIClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_a_completed_run_is_told_with_its_output_steps_and_tries(client: APIClient, completed_run: StoredRun) -> None:
    run = read(client, f"/v1/runs/{completed_run.id}")
    told_steps = run.pop("steps")
    assert run == {
        "run_id": completed_run.id,
        "run_started_at": "2026-01-31T12:00:01Z",
        "function_id": "post-signup",
        "function_version": 1,
        "environment_id": "00000000-0000-4000-b000-000000000000",
        "event_id": completed_run.event.internal_id,
        "event_ids": [completed_run.event.internal_id],
        "invoked_by": None,
        "status": "Completed",
        "phase": None,
        "queued_at": "2026-01-31T12:00:00Z",
        "ended_at": "2026-01-31T12:00:10Z",
        "output": {"status": 200},
        "omitted": False,
        "tries": [],
        "waits": [],
    }
    assert [step["id"] for step in told_steps] == ["first", "last"]
    assert told_steps[1] == {
        "id": "last",
        "name": "last",
        "op": "StepRun",
        "status": "Completed",
        "reason": None,
        "attempts": 2,
        "output": {"status": 200},
        "error": None,
        "event_id": None,
        "queued_at": "2026-01-31T12:00:01Z",
        "due_at": None,
        "waits_for": None,
        "started_at": "2026-01-31T12:00:02Z",
        "ended_at": "2026-01-31T12:00:05Z",
        "tries": [
            {
                "number": 1,
                "ok": False,
                "started_at": "2026-01-31T12:00:01Z",
                "ended_at": "2026-01-31T12:00:02Z",
                "error": {"name": "Error", "message": "try again", "stack": ""},
                "log": "try 1\n",
                "omitted": False,
            },
            {
                "number": 2,
                "ok": True,
                "started_at": "2026-01-31T12:00:02Z",
                "ended_at": "2026-01-31T12:00:03Z",
                "error": None,
                "log": "try 2\n",
                "omitted": False,
            },
        ],
        "omitted": False,
    }


def test_the_output_of_several_last_steps_is_an_object_by_step(client: APIClient, branched_run: StoredRun) -> None:
    assert read(client, f"/v1/runs/{branched_run.id}")["output"] == {"left": 1, "right": [2]}
    assert read(client, "/v1/runs")[0]["output"] == {"left": 1, "right": [2]}


def test_a_failed_run_has_the_error_of_the_step_that_failed_first(client: APIClient, failed_run: StoredRun) -> None:
    run = read(client, f"/v1/runs/{failed_run.id}")
    assert run["status"] == "Failed"
    assert run["output"] == {"name": "Sooner", "message": "m", "stack": "s"}
    assert {step["id"]: step["error"]["name"] for step in run["steps"]} == {"late": "Late", "sooner": "Sooner"}


def test_a_cancelled_run_has_no_output(client: APIClient, cancelled_run: StoredRun) -> None:
    run = read(client, f"/v1/runs/{cancelled_run.id}")
    assert (run["status"], run["output"], run["steps"][0]["status"]) == ("Cancelled", None, "Cancelled")


def test_a_queued_run_has_not_begun(client: APIClient, queued_run: StoredRun) -> None:
    run = read(client, f"/v1/runs/{queued_run.id}")
    assert (run["status"], run["run_started_at"], run["ended_at"], run["output"]) == ("Queued", None, None, None)
    assert (run["steps"][0]["status"], run["steps"][0]["tries"]) == ("Queued", [])


def test_a_run_whose_first_step_a_worker_has_is_running(client: APIClient, leased_run: StoredRun) -> None:
    run = read(client, f"/v1/runs/{leased_run.id}")
    assert (run["status"], run["run_started_at"]) == ("Running", "2026-01-31T12:00:01.500000Z")
    assert (run["steps"][0]["status"], run["steps"][0]["started_at"]) == ("Running", "2026-01-31T12:00:01.500000Z")
    assert read(client, "/v1/runs")[0]["status"] == "Running"


def test_a_run_outlives_its_event(client: APIClient, completed_run: StoredRun) -> None:
    completed_run.event.delete()
    run = read(client, f"/v1/runs/{completed_run.id}")
    assert (run["event_id"], run["event_ids"], run["output"]) == (None, [], {"status": 200})


ODD = r'{"a":"\u0000","b":"\ud800","c":1e400000,"d":' + "[" * 1_000 + "]" * 1_000 + ', "e" : 1.10}'


def test_outputs_are_given_byte_for_byte(client: APIClient, dev: Environment) -> None:
    run = add_run(version_of(dev), add_event(dev), status="completed")
    add_step(run, "step-1", status="completed", output=ODD)
    assert client.get(f"/v1/runs/{run.id}").content.count(f'"output":{ODD},'.encode()) == 2
    assert client.get("/v1/runs").content.count(f'"output":{ODD},'.encode()) == 1


def test_what_an_answer_has_no_room_for_is_left_out_and_read_step_by_step(
    client: APIClient, dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_outcomes, "MAX_BYTES", 100)
    monkeypatch.setattr(steps, "MAX_BYTES", 100)
    large = json.dumps("x" * 150)
    run = add_run(version_of(dev, {"a": (), "b": ()}), add_event(dev), status="completed")
    for step_id in ("a", "b"):
        add_step(run, step_id, status="completed", output=large)
    told = read(client, f"/v1/runs/{run.id}")
    assert (told["output"], told["omitted"]) == (None, True)
    assert [(step["omitted"], step["output"] is None) for step in told["steps"]] == [(False, False), (True, True)]
    step = read(client, f"/v1/runs/{run.id}/steps/b")
    assert (step["id"], step["omitted"], step["output"]) == ("b", False, "x" * 150)


def test_a_step_that_is_not_there_is_not_found(client: APIClient, completed_run: StoredRun) -> None:
    answer = client.get(f"/v1/runs/{completed_run.id}/steps/nothing")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_the_history_is_told_from_the_beginning_with_reasons(client: APIClient, queued_run: StoredRun) -> None:
    for number in range(5):
        History.objects.create(
            run_id=queued_run.id, at=NOW, kind="step.retrying", step_id="only", reason=f"try {number} failed"
        )
    first = client.get(f"/v1/runs/{queued_run.id}/history", {"limit": 3}).json()
    rest = client.get(f"/v1/runs/{queued_run.id}/history", {"cursor": first["page"]["next_cursor"]}).json()
    assert first["data"][0] == {
        "at": "2026-01-31T12:00:00Z",
        "kind": "step.retrying",
        "step_id": "only",
        "reason": "try 0 failed",
    }
    reasons = [entry["reason"] for entry in first["data"] + rest["data"]]
    assert reasons == [f"try {number} failed" for number in range(5)]
    assert rest["page"]["next_cursor"] is None


def test_an_id_is_read_in_either_case(client: APIClient, queued_run: StoredRun) -> None:
    assert read(client, f"/v1/runs/{queued_run.id.lower()}")["run_id"] == queued_run.id
