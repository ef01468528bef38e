"""Versions and their files: every one that there was, byte for byte, and never as a page of ours."""

import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.datastore.models import Blob
from tests.core_api.archiving import function
from tests.core_api.deploying import deploy, deploy_texts, get, post

HTML = "<script>alert(1)</script>"


def test_versions_are_listed_newest_first_with_what_made_them(client: APIClient) -> None:
    deploy(client, function(files={"x": "1", "lib/y": "22"}), note="first")
    deploy(client, function(files={"x": "12345"}), live="false")
    newer, older = get(client, "/v1/functions/welcome/versions")
    assert (newer["version"], newer["live"], newer["files"], newer["bytes"]) == (2, False, 1, 5)
    assert (older["version"], older["live"], older["files"], older["bytes"]) == (1, True, 2, 3)
    assert older["deploy"] == {"number": 1, "actor": "dev mode", "note": "first"}
    assert newer["digest"] != older["digest"]


def test_versions_are_given_page_by_page(client: APIClient) -> None:
    deploy_texts(client, *"12345")
    page = client.get("/v1/functions/welcome/versions?limit=2").json()
    rest = client.get("/v1/functions/welcome/versions", {"limit": 9, "cursor": page["page"]["next_cursor"]}).json()
    assert [one["version"] for one in page["data"] + rest["data"]] == [5, 4, 3, 2, 1]


def test_a_version_tells_its_definition_and_its_files(client: APIClient) -> None:
    deploy(client, function(files={"x": "1", "lib/y": "22"}))
    told = get(client, "/v1/functions/welcome/versions/1")
    assert told["definition"]["id"] == "welcome"
    assert told["files"] == [
        {"path": "lib/y", "digest": hashlib.sha256(b"22").hexdigest(), "size": 2},
        {"path": "x", "digest": hashlib.sha256(b"1").hexdigest(), "size": 1},
    ]
    assert (told["live"], told["bytes"]) == (True, 3)
    post(client, "/v1/functions/welcome/archive")
    assert not get(client, "/v1/functions/welcome/versions/1")["live"]


@pytest.mark.parametrize("path", ["page.html", "a b/caf\u00e9.html", "versions/1/files/x", "%41.html", "a;b?c#d"])
def test_a_file_is_given_byte_for_byte_and_no_browser_shows_it(client: APIClient, path: str) -> None:
    content = HTML.encode() + bytes(range(256))
    deploy(client, function(files={path: content}))
    quoted = path.replace("%", "%25").replace("?", "%3F").replace("#", "%23").replace(" ", "%20")
    answer = client.get(f"/v1/functions/welcome/versions/1/files/{quoted}", headers={"accept": "text/html"})
    assert (answer.status_code, answer.content) == (200, content)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == "attachment"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert int(answer["Content-Length"] if "Content-Length" in answer else len(content)) == len(content)


def test_a_file_that_the_client_has_already_is_not_sent_again(client: APIClient) -> None:
    deploy(client, function(files={"x": "1"}))
    path = "/v1/functions/welcome/versions/1/files/x"
    answer = client.get(path, headers={"if-none-match": client.get(path)["ETag"]})
    assert (answer.status_code, answer.content) == (304, b"")


def test_the_content_is_not_read_for_who_has_it_or_asks_only_for_its_size(client: APIClient) -> None:
    deploy(client, function(files={"x": "12345"}))
    path = "/v1/functions/welcome/versions/1/files/x"
    etag = client.get(path)["ETag"]
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path, headers={"if-none-match": etag}).status_code == 304
        assert client.get(path, headers={"if-match": '"other"'}).status_code == 412
        asked = client.head(path)
    assert (asked.status_code, asked.content, asked["Content-Length"], asked["ETag"]) == (200, b"", "5", etag)
    assert not [query for query in captured.captured_queries if "datastore_blob" in query["sql"]]


@pytest.mark.parametrize("path", ["y", "inngest.json", "../welcome/x", "x/", "%00", "x%00"])
def test_a_file_that_is_not_there_is_a_404_in_json(client: APIClient, path: str) -> None:
    deploy(client, function(files={"x": "1"}))
    answer = client.get(f"/v1/functions/welcome/versions/1/files/{path}", headers={"accept": "image/png"})
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


@pytest.mark.parametrize("number", ["0", "2", "-1", "1.5", "x", "9" * 9, "9" * 40, "1_0", "\u0661"])
def test_a_version_that_is_not_there_is_a_404(client: APIClient, number: str) -> None:
    deploy(client, function(files={"x": "1"}))
    assert client.get(f"/v1/functions/welcome/versions/{number}").status_code == 404
    assert client.get(f"/v1/functions/welcome/versions/{number}/files/x").status_code == 404


def test_content_that_is_not_what_its_digest_says_is_not_given(client: APIClient) -> None:
    deploy(client, function(files={"x": "1"}))
    Blob.objects.update(content=b"2")
    answer = client.get("/v1/functions/welcome/versions/1/files/x")
    assert (answer.status_code, "lost" in answer.json()["error"]) == (500, True)
