"""`/v1/openapi.json` describes what deploys, functions and versions answer, and what they refuse."""

from typing import Any

import jsonschema
import pytest
from rest_framework.test import APIClient

from tests.core_api.archiving import function, json_deploy, tar_gz
from tests.core_api.deploying import deploy


@pytest.fixture
def openapi(client: APIClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/v1/openapi.json").json()
    return document


def validate(openapi: dict[str, Any], path: str, method: str, answer: Any) -> None:
    responses = openapi["paths"][path][method]["responses"]
    schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": openapi["components"]})
    validator.validate(answer.json())


def test_what_is_read_is_as_described(client: APIClient, openapi: dict[str, Any]) -> None:
    deploy(client, function(files={"x": "1", "y": b"\0"}))
    deploy(client, function(files={"x": "2"}), function("other", triggers=[{"cron": "* * * * *"}]))
    one = {"function_id": "welcome", "number": 2}
    for path, filled in (
        ("/v1/deploys", {}),
        ("/v1/deploys/{number}", one),
        ("/v1/deploys/{number}", {"number": 9}),
        ("/v1/functions", {}),
        ("/v1/functions/{function_id}", one),
        ("/v1/functions/{function_id}", {"function_id": "nobody"}),
        ("/v1/functions/{function_id}/versions", one),
        ("/v1/functions/{function_id}/versions/{number}", one),
        ("/v1/functions/{function_id}/diff", one),
        ("/v1/functions/{function_id}/versions/{number}/files/{path}", one | {"path": "nothing"}),
    ):
        validate(openapi, path, "get", client.get(path.format(**filled)))


def test_a_deploy_of_no_function_is_described_as_wrong(openapi: dict[str, Any]) -> None:
    assert openapi["components"]["schemas"]["DeployBody"]["properties"]["functions"]["minItems"] == 1


def test_what_is_deployed_and_moved_is_as_described(client: APIClient, openapi: dict[str, Any]) -> None:
    def post(path: str, body: Any, status: int, kind: str = "application/json", query: str = "", **ids: Any) -> None:
        answer = client.post(f"{path.format(**ids)}?{query}", body, content_type=kind)
        assert answer.status_code == status, answer.content
        validate(openapi, path, "post", answer)

    first, second = tar_gz(function()), tar_gz(function(files={"x": "1"}))
    for body, status, query in ((first, 201, ""), (first, 200, ""), (second, 201, ""), (first, 400, "base=x")):
        post("/v1/deploys", body, status, "application/gzip", query)
    post("/v1/deploys", tar_gz(function(files={"x": "2"})), 409, "application/gzip", "base=1")
    post("/v1/deploys", json_deploy({"definition": {}}), 400)
    post("/v1/deploys", b"x", 415, "text/plain")
    for name, content, status in (
        ("live", b'{"version": 1}', 201),
        ("live", b'{"version": 1}', 200),
        ("live", b'{"version": 0}', 400),
        ("live", b'{"version": 9}', 404),
        ("rollback", b"{}", 201),
        ("archive", b"{}", 201),
        ("archive", b"{}", 200),
    ):
        post(f"/v1/functions/{{function_id}}/{name}", content, status, function_id="welcome")
    post("/v1/deploys/{number}/rollback", b"{}", 409, number=1)
    post("/v1/deploys/{number}/rollback", b"{}", 404, number=99)
