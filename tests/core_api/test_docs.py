"""`/api/docs` for people, and what it shows: `/v1/openapi.json`."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core_api.openapi_texts import MEANINGS, TAGS, summary_and_rest
from tests.served import Served, serving

CHROMIUM = shutil.which("chromium")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
)


@pytest.fixture
def openapi(client: APIClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/v1/openapi.json").json()
    return document


def operations(openapi: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.mark.parametrize("dev_mode", [True, False])
def test_the_page_and_its_files_are_public(client: APIClient, settings: Settings, dev_mode: bool) -> None:
    settings.INNGEST_DEV = dev_mode
    page = client.get("/api/docs")
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    files = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.content.decode())
    assert len(files) == 5
    for file in files:
        answer = client.get(f"/api/{file}")
        assert answer.status_code == 200, file
        assert len(answer.content) == int(answer["Content-Length"]) > 100
        assert answer["X-Inngest-Server-Kind"] == ("dev" if dev_mode else "cloud")


def test_nothing_of_the_page_is_inline_or_from_elsewhere(client: APIClient) -> None:
    page = client.get("/api/docs")
    assert "http" not in page.content.decode().replace("http-equiv", "")
    assert re.findall(r"<script[^>]*>\s*[^<\s]|<style| on\w+=| style=", page.content.decode()) == []
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy


def test_a_file_that_the_browser_has_is_not_sent_again(client: APIClient) -> None:
    first = client.get("/api/docs/swagger-ui.css")
    again = client.get("/api/docs/swagger-ui.css", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "swagger-ui-bundle.js.map", "index.html", "..%2Furls.py", "..", ""])
def test_no_other_file_is_served(client: APIClient, name: str) -> None:
    answer = client.get(f"/api/docs/{name}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_the_page_is_read_only_and_says_so_in_json(client: APIClient) -> None:
    assert client.post("/api/docs").json() == {"error": "Method Not Allowed", "status": 405}
    assert client.head("/api/docs/start.js").status_code == 200


def test_in_dev_mode_the_page_is_for_this_machine_only(client: APIClient) -> None:
    assert client.get("/api/docs", headers={"Host": "rebound.example.com"}).status_code == 403
    assert client.get("/api/docs/start.js", headers={"Origin": "https://example.com"}).status_code == 403


def test_every_operation_has_a_group_a_summary_and_a_name_of_its_own(openapi: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(openapi)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(openapi):
        assert set(operation["tags"]) <= set(TAGS), path
        assert operation["summary"], (path, method)
        assert not operation["summary"].endswith("."), path
    assert [tag["name"] for tag in openapi["tags"]] == list(TAGS)


def test_every_operation_tells_its_errors(openapi: dict[str, Any]) -> None:
    for path, method, operation in operations(openapi):
        responses = operation["responses"]
        if operation.get("security") != []:
            assert {"400", "401", "403"} <= set(responses), path
            assert operation["security"] == [{"apiToken": []}], path
            assert "404" in responses or "{" not in path, path
        if "requestBody" in operation:
            assert {"413", "415"} <= set(responses), (path, method)
        for status, answer in responses.items():
            assert status in MEANINGS, (path, status)
            assert answer["description"], (path, status)
            if int(status) >= 400 and path != "/ready":
                assert answer["content"]["application/json"]["schema"], (path, status)


def test_ids_of_runs_and_events_are_described_as_what_is_taken(client: APIClient, openapi: dict[str, Any]) -> None:
    for path, _, operation in operations(openapi):
        for parameter in operation.get("parameters", []):
            # As a filter any text is taken: what is no id is one that is not there.
            if parameter["name"] in {"run_id", "event_id"} and parameter["in"] == "path":
                assert re.fullmatch(parameter["schema"]["pattern"], "01KG9Q1ZM3E8H4J6K2P9R7S5TB"), path
                assert not re.fullmatch(parameter["schema"]["pattern"], "8" * 26), path


def test_what_django_does_not_answer_is_described_too(openapi: dict[str, Any]) -> None:
    send = openapi["paths"]["/e/{key}"]["post"]
    assert (send["tags"], send["security"]) == (["Events"], [])
    assert set(send["responses"]) == {"200", "400", "401", "408", "413", "415", "503"}
    assert {"/health", "/ready"} <= set(openapi["paths"])


def test_a_docstring_gives_the_summary_and_the_rest() -> None:
    assert summary_and_rest("Cancel the run. Nothing of it\nstarts.  Ever.") == (
        "Cancel the run",
        "Nothing of it starts. Ever.",
    )
    assert summary_and_rest("One app.") == ("One app", "")
    assert summary_and_rest("") == ("", "")


@pytest.fixture
def served(django_db_setup: None) -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.mark.skipif(CHROMIUM is None, reason="the page is opened in chromium")
def test_a_browser_shows_every_operation_and_complains_of_nothing(
    served: Served, openapi: dict[str, Any], tmp_path: Path
) -> None:
    assert CHROMIUM is not None
    shown = subprocess.run(
        [
            *(CHROMIUM, *QUIET, f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"),
            f"http://localhost:{served.port}/api/docs",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    for _, _, operation in operations(openapi):
        assert f'operations-{operation["tags"][0]}-{operation["operationId"]}"' in shown.stdout
    assert [line for line in shown.stderr.splitlines() if "CONSOLE" in line] == []
