"""What the database does to tell of an SDK function's run does not grow with its tables."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.event_stream.models import Event
from apps.state.models import Run, Step, Wait
from tests.core_api.rows import NOW, analyze
from tests.core_api.test_plans import GROWING, grown
from tests.executor.sdk.conftest import app
from tests.executor.sdk.working import send, work
from tests.sdk_functions import Failing, SdkApp, Steps, deploy_sdk, hash_of, invoke, run, signal, sleep, wait

__all__ = ["app", "grown"]

PATHS = (
    "/v1/runs",
    "/v1/runs/{run}",
    "/v1/runs/{failed}",
    "/v1/runs/{run}/steps/{step}",
    "/v1/events/{event}/runs",
    "/v1/events/{event}/waits",
    "/v0/runs/{run}/actions",
    "/v0/runs/{run}/batch",
)


@pytest.fixture
def lives(app: SdkApp, grown: None) -> dict[str, str]:
    """What the paths name: a run that does all that a run does at once, a failed one, an event that one waited for."""

    def program(event: Any) -> Steps:
        if event["data"].get("fails"):
            raise ValueError("no")
        if event["name"] != "test/event":
            yield sleep("nap", "1h")
        yield run("a")
        yield [
            wait("answer", "n"),
            run("b", Failing(1)),
            sleep("nap", "1h"),
            signal("s", "s"),
            invoke("i", "app-failing"),
        ]

    app.functions["app-fn"] = program
    deploy_sdk(attempts=2)
    deploy_sdk("app-failing", event="failing")
    app.functions["app-failing"] = program
    answered = Event.objects.get(seq=send())
    work()
    other = Run.objects.get(function__slug="app-fn").pk
    Step.objects.bulk_create(
        Step(run_id=f"{number:026}", step_id="step", op="function", status="open", item_id=number, queued_at=NOW)
        for number in range(3_000)
    )
    Wait.objects.bulk_create(
        Wait(
            run_id=f"{number:026}",
            environment_id=1,
            function_id=1,
            kind="sdk",
            sources="x",
            event_name="n",
            paths="",
            key=0,
            since_seq=0,
            opened_at=NOW,
            branches="{}",
        )
        for number in range(3_000)
    )
    send("failing", fails=True)
    work()
    failed = Run.objects.get(status="failed").pk
    return {"run": other, "failed": failed, "step": hash_of("answer"), "event": answered.internal_id}


@pytest.mark.parametrize("analyzed_when", ["empty", "grown"])
@pytest.mark.parametrize("path", PATHS)
def test_growing_tables_are_only_looked_up_by_index(
    client: APIClient, request: pytest.FixtureRequest, path: str, analyzed_when: str
) -> None:
    if analyzed_when == "empty":
        analyze(*GROWING)
    lives: dict[str, str] = request.getfixturevalue("lives")
    if analyzed_when == "grown":
        analyze(*GROWING)
    plans: list[str] = request.getfixturevalue("plans")
    assert client.get(path.format(**lives)).status_code == 200
    assert plans
    for plan in plans:
        lines = plan.splitlines()
        for number, line in enumerate(lines):
            if any(f" on {table}" in line for table in GROWING):
                assert "Index Cond" in lines[number + 1] or "Recheck Cond" in lines[number + 1], plan
