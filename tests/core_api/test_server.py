"""`/`, `/dev` and the API's description of itself."""

import re
from typing import Any

import jsonschema
import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core_api.urls import urlpatterns
from apps.datastore.definition.types import CronTrigger, Edge
from apps.datastore.models import Environment
from apps.state.models import History
from tests.core_api.rows import NOW, StoredRun, add_wait, refuse, version_of
from tests.datastore.registrations import function, registered
from tests.functions import deploy_steps


def test_dev_tells_what_is_loaded(client: APIClient, dev: Environment, other_environment: Environment) -> None:
    version_of(dev, {"a": (), "b": ("a",)})
    version_of(other_environment, slug="hidden")
    answer = client.get("/dev").json()
    assert answer["functions"] == [
        {
            "id": "post-signup",
            "name": "post-signup",
            "version": 1,
            "triggers": [{"event": "test/event"}],
            "steps": ["a", "b"],
        }
    ]
    assert answer["version"]


def test_dev_tells_the_crons_among_the_triggers(client: APIClient, dev: Environment) -> None:
    cron = CronTrigger("TZ=Europe/Paris 0 9 * * 1", "0 9 * * 1", "Europe/Paris")
    deploy_steps({"a": [Edge("$trigger")]}, crons=(cron,))
    (function,) = client.get("/dev").json()["functions"]
    assert function["triggers"] == [{"event": "test/event"}, {"cron": "TZ=Europe/Paris 0 9 * * 1"}]


def test_dev_is_not_there_outside_dev_mode(client: APIClient, settings: Settings) -> None:
    settings.INNGEST_DEV = False
    answer = client.get("/dev")
    assert (answer.status_code, answer.json()) == (404, {"error": "This is not a dev server", "status": 404})


def test_the_root_says_what_this_is_and_where_to_look(client: APIClient, settings: Settings) -> None:
    for dev_mode, kind in ((True, "dev"), (False, "cloud")):
        settings.INNGEST_DEV = dev_mode
        answer = client.get("/").json()
        assert (answer["kind"], answer["see"]["runs"]) == (kind, "/v1/runs")


@pytest.fixture
def openapi(client: APIClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/v1/openapi.json").json()
    return document


def test_the_description_names_every_endpoint(openapi: dict[str, Any]) -> None:
    told = {re.sub(r"{(\w+)}", r"<\1>", path).removeprefix("/") for path in openapi["paths"]}
    answered = {re.sub(r"<\w+:", "<", str(route.pattern)) for route in urlpatterns}
    assert answered - told == {
        "",
        "dev",
        "api/docs",
        "api/docs/<name>",
        "v1/openapi.json",
        # What only the SDKs ask for.
        "fn/register",
        "v0/runs/<run_id>/actions",
        "v0/runs/<run_id>/batch",
    }
    # These are the Event API's.
    assert told - answered == {"e/<key>", "health", "ready"}
    assert set(openapi["paths"]["/v1/runs/{run_id}"]) == {"get", "delete"}
    parameters = {parameter["name"] for parameter in openapi["paths"]["/v1/events"]["get"]["parameters"]}
    assert parameters == {"name", "received_after", "received_before", "limit", "cursor"}
    assert openapi["components"]["securitySchemes"]["apiToken"]["scheme"] == "bearer"


def test_answers_are_as_described(
    client: APIClient, openapi: dict[str, Any], completed_run: StoredRun, failed_run: StoredRun, queued_run: StoredRun
) -> None:
    History.objects.create(run_id=completed_run.id, at=NOW, kind="run.completed", reason="done")
    refuse(completed_run.event, version_of(Environment.objects.get(slug="dev"), slug="another"))
    for status in ("open", "arrived"):
        add_wait(completed_run, status, event_seq=completed_run.event.seq if status == "arrived" else None)
    registered(Environment.objects.get(slug="dev"), function("a", concurrency=2))
    ids = {
        "app_id": "shop",
        "run_id": completed_run.id,
        "event_id": completed_run.event.internal_id,
        "step_id": "last",
        "name": "dev",
    }
    for path, operations in openapi["paths"].items():
        if path in {"/health", "/ready"} or path.startswith(("/v1/deploys", "/v1/functions")):
            continue  # not Django's; and test_deploy_description.py
        for status, filled in (("200", ids), ("404", dict.fromkeys(ids, "0" * 26))):
            if "get" not in operations or ("{" not in path and status == "404"):
                continue
            answer = client.get(path.format(**filled))
            assert answer.status_code == int(status)
            schema = operations["get"]["responses"][status]["content"]["application/json"]["schema"]
            validator = jsonschema.Draft202012Validator({**schema, "components": openapi["components"]})
            validator.validate(answer.json())
