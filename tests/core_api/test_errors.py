"""Whatever is asked, the answer is JSON with the status that it says, and never a 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.core_api import run_views
from apps.event_stream.ids import new_ulid
from tests.core_api.rows import StoredRun


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1",
        "/v1/",
        "/v1/runs/",
        "/v1/runs/xyz",
        "/v1/runs/%00",
        "/v1/events/%ff",
        "/v1/runs/" + "8" * 26,
        "/v1/events/" + "I" * 26,
        "/V1/runs",
        "/v1/runs/1/history",
    ],
)
def test_what_is_not_there_is_a_404(client: APIClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": f"There is nothing at {answer.wsgi_request.path}", "status": 404}
    assert answer["X-Inngest-Server-Kind"] == "dev"


def test_a_method_that_is_not_there_is_a_405(client: APIClient) -> None:
    answer = client.post("/v1/runs", {})
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json() == {"error": 'Method "POST" not allowed.', "status": 405}


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1.5", "ten", "1_0", "+5", " 5", "\u0665", "9" * 5_000, "\0"])
def test_a_bad_limit_is_refused_by_name(client: APIClient, limit: str) -> None:
    answer = client.get("/v1/runs", {"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("`limit` must")


@pytest.mark.parametrize("path", ["/v1/events", "/v1/runs"])
def test_a_cursor_that_we_did_not_give_is_refused(client: APIClient, completed_run: StoredRun, path: str) -> None:
    cancel = client.delete(f"/v1/runs/{completed_run.id}")
    assert cancel.status_code == 409
    for cursor in ("1", "1.abc", "~", "\u00e9", "\0", "a" * 10_000, f"{completed_run.id}.{'x' * 43}"):
        answer = client.get(path, {"cursor": cursor})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("`cursor` must")


def test_a_cursor_of_another_list_is_refused(
    client: APIClient, completed_run: StoredRun, failed_run: StoredRun
) -> None:
    cursor = client.get("/v1/events", {"limit": 1}).json()["page"]["next_cursor"]
    assert cursor is not None
    assert client.get("/v1/events", {"cursor": cursor}).status_code == 200
    assert client.get("/v1/runs", {"cursor": cursor}).status_code == 400
    assert client.get("/v1/events", {"cursor": cursor.replace(".", "0.", 1)}).status_code == 400


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/events", "name", "a\0"),
        ("/v1/events", "received_after", "yesterday"),
        ("/v1/events", "received_before", "2026-13-01"),
        ("/v1/events", "received_before", "\0"),
        ("/v1/runs", "function_id", "\0"),
        ("/v1/runs", "status", "\0"),
    ],
)
def test_a_bad_filter_is_refused_by_name(client: APIClient, path: str, name: str, value: str) -> None:
    answer = client.get(path, {name: value})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"`{name}` must")


def test_parameters_that_nobody_reads_are_ignored(client: APIClient, completed_run: StoredRun) -> None:
    answer = client.get("/v1/runs", {"format": "html", "nonsense": "\0", "page": "x"})
    assert len(answer.json()["data"]) == 1


def test_a_fault_of_ours_is_a_500_in_json(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(run_views, "load_runs", crash)
    client.raise_request_exception = False
    answer = client.get(f"/v1/runs/{new_ulid()}")
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal Server Error", "status": 500})
    assert answer["X-Inngest-Server-Kind"] == "dev"


ANY_TEXT = st.text(max_size=30) | st.sampled_from(
    ["Failed", "post-signup", "user/signed.up", "2026-01-31T12:00:00Z", "50"]
)
PARAMETERS = st.dictionaries(
    st.sampled_from(["limit", "cursor", "name", "received_after", "received_before", "status", "function_id", "x"]),
    ANY_TEXT | st.integers().map(str) | st.datetimes().map(str) | st.lists(ANY_TEXT, max_size=3),
)
PATHS = st.sampled_from(
    [
        "/v1/events",
        "/v1/runs",
        "/v1/events/{event}/runs",
        "/v1/events/{event}/starts",
        "/v1/events/{event}/waits",
        "/v1/runs/{run}",
        "/v1/runs/{run}/history",
    ]
)


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, parameters=PARAMETERS)
def test_no_query_is_a_500(client: APIClient, failed_run: StoredRun, path: str, parameters: dict[str, Any]) -> None:
    answer = client.get(path.format(event=failed_run.event.internal_id, run=failed_run.id), parameters)
    assert answer.status_code in (200, 400)
    assert ("error" in answer.json()) == (answer.status_code == 400)


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.binary(max_size=60), tail=st.text(max_size=20), accept=st.text("a/*;=q.0,", max_size=12))
def test_no_path_is_a_500(client: APIClient, query: bytes, tail: str, accept: str) -> None:
    answer = client.get("/v1/runs", QUERY_STRING=query.decode("latin-1"), headers={"accept": accept})
    assert answer.status_code in (200, 400, 406)
    assert client.get(f"/v1/runs/{tail}", headers={"accept": accept}).status_code in (200, 404, 406)


def test_a_parameter_that_is_there_twice_is_refused(client: APIClient) -> None:
    answer = client.get("/v1/runs?limit=5&limit=7")
    assert (answer.status_code, answer.json()["error"]) == (400, "`limit` must be there only once")
