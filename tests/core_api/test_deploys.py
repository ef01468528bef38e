"""`POST /v1/deploys`: all of a request is deployed or nothing, and the answer says what changed or what is wrong."""

import base64
import gzip
import json
import re
import tarfile
import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.core_api import deploy_views
from apps.core_api.deploy_bodies import read_contents
from apps.datastore.keys import create_api_token
from apps.datastore.models import Blob, Deploy, Environment, EventTrigger, Function, FunctionVersion, Release, Scope
from tests.core_api.archiving import (
    PACKERS,
    definition,
    entry,
    function,
    json_deploy,
    tar,
    tar_gz,
    tar_of,
    together,
    zipped,
)
from tests.core_api.mangling import mangled
from tests.datastore.registrations import function as sdk_function
from tests.datastore.registrations import registered
from tests.functions import dev_environment

GZIP = "application/gzip"


def send(client: APIClient, body: bytes, content_type: str = GZIP, **parameters: Any) -> Any:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return client.post(f"/v1/deploys?{query}", body, content_type=content_type)


def deployed(client: APIClient, *functions: Any, status: int = 201, **parameters: Any) -> dict[str, Any]:
    answer = send(client, tar_gz(together(functions)), **parameters)
    assert answer.status_code == status, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def refused(answer: Any, status: int = 400) -> dict[str, Any]:
    content: dict[str, Any] = answer.json()
    assert (answer.status_code, content["status"]) == (status, status), content
    return content


def numbers(data: dict[str, Any]) -> list[tuple[str, str, int, int | None, bool]]:
    return [(one["function_id"], one["change"], one["version"], one["was"], one["live"]) for one in data["functions"]]


def stored() -> list[int]:
    return [
        model._default_manager.count() for model in (Deploy, Release, FunctionVersion, Function, Blob, EventTrigger)
    ]


def test_a_function_is_deployed_and_live(client: APIClient) -> None:
    data = deployed(client, function(files={"lib/a.ts": "export const a = 1"}), note="first")
    assert data == {
        "deploy": data["deploy"],
        "base": 1,
        "dry_run": False,
        "functions": [
            {
                "function_id": "welcome",
                "name": "Welcome",
                "change": "new",
                "version": 1,
                "was": None,
                "live": True,
                "files": {"added": ["lib/a.ts"], "changed": [], "removed": []},
                "definition_changed": True,
            }
        ],
    }
    assert data["deploy"] == {
        "number": 1,
        "kind": "deploy",
        "actor": "dev mode",
        "note": "first",
        "created_at": data["deploy"]["created_at"],
    }
    assert EventTrigger.objects.get().event_name == "welcome/wanted"


@pytest.mark.parametrize(
    ("content_type", "pack"),
    [
        ("application/gzip", tar_gz),
        ("application/x-gzip; charset=binary", tar_gz),
        ("application/x-tar", tar),
        ("application/zip", zipped),
        ("APPLICATION/X-ZIP-COMPRESSED", zipped),
    ],
)
def test_archives_of_every_kind_are_the_same_deploy(client: APIClient, content_type: str, pack: Any) -> None:
    files = together([function("a"), function("b", {"x.bin": bytes(range(256))})])
    assert send(client, pack(files), content_type).status_code == 201
    assert send(client, tar(files), "application/x-tar").status_code == 200
    assert list(Function.objects.order_by("slug").values_list("slug", flat=True)) == ["a", "b"]


def test_json_is_the_same_deploy(client: APIClient) -> None:
    binary = bytes(range(256))
    deployed(client, function("a"), function("b", {"x.bin": binary, "y.txt": "\u00e9"}))
    body = json_deploy(
        {"definition": definition("a")},
        {
            "definition": definition("b"),
            "files": {"x.bin": {"base64": base64.b64encode(binary).decode()}, "y.txt": "\u00e9"},
        },
    )
    answer = send(client, body, "application/json")
    assert answer.status_code == 200
    assert answer.json()["data"]["deploy"] is None


def test_the_same_content_again_changes_nothing_and_says_so(client: APIClient) -> None:
    deployed(client, function(files={"a.ts": "1"}))
    before = stored()
    data = deployed(client, function(files={"a.ts": "1"}), status=200)
    assert stored() == before
    assert (data["deploy"], data["base"]) == (None, 1)
    assert numbers(data) == [("welcome", "unchanged", 1, 1, True)]


def test_what_changed_is_told_file_by_file(client: APIClient) -> None:
    deployed(client, function("a", {"kept": "1", "changed": "1", "gone": "1"}), function("b"))
    data = deployed(client, function("a", {"kept": "1", "changed": "2", "new": "1"}), function("b"), function("c"))
    assert numbers(data) == [
        ("a", "changed", 2, 1, True),
        ("b", "unchanged", 1, 1, True),
        ("c", "new", 1, None, True),
    ]
    changed = data["functions"][0]
    assert changed["files"] == {"added": ["new"], "changed": ["changed"], "removed": ["gone"]}
    assert not changed["definition_changed"]


def test_older_content_is_its_version_again(client: APIClient) -> None:
    for text in ("1", "2"):
        deployed(client, function(files={"a": text}))
    assert numbers(deployed(client, function(files={"a": "1"}))) == [("welcome", "restored", 1, 2, True)]
    assert FunctionVersion.objects.count() == 2


def test_an_invalid_deploy_of_three_changes_nothing_and_tells_every_fault_of_all(client: APIClient) -> None:
    deployed(client, function("one"))
    before = stored()
    files = together(
        [
            function("one", triggers=[]),
            function("two", steps={"x": {"id": "x", "runtime": {"type": "nonsense"}}}, throttle={"count": 0}),
            function("fine"),
        ]
    ) | {"team/three/inngest.json": '{"id": "three",\n oops'}
    content = refused(send(client, tar_gz(files)))
    assert stored() == before
    assert content["error"].startswith("Nothing was deployed: one/inngest.json")
    assert {fault["function"] for fault in content["faults"]} == {"one", "two", "team/three"}
    assert {fault["file"] for fault in content["faults"]} == {
        "one/inngest.json",
        "two/inngest.json",
        "team/three/inngest.json",
    }
    assert len([fault for fault in content["faults"] if fault["function"] == "two"]) >= 2
    (syntax,) = [fault for fault in content["faults"] if fault["function"] == "team/three"]
    assert syntax["line"] == 2
    assert all(set(fault) == {"function", "file", "line", "path", "message"} for fault in content["faults"])


def test_faults_of_json_are_told_with_their_path_in_the_body(client: APIClient) -> None:
    wrong = {
        "definition": definition("a", triggers=[]),
        "files": {"../x": "1", "b.bin": {"base64": "*"}, "n": 7, ".env": "SECRET", "a\ud800": "1", "t": "\ud800"},
        "more": 1,
    }
    body = json_deploy({"definition": definition("fine")}, wrong)
    paths = {fault["path"] for fault in refused(send(client, body, "application/json"))["faults"]}
    assert paths == {
        "$.functions[1].more",
        '$.functions[1].files["../x"]',
        '$.functions[1].files["b.bin"]',
        "$.functions[1].files.n",
        '$.functions[1].files["a\\ud800"]',
        "$.functions[1].files.t",
    }
    body = json_deploy({"definition": definition("fine")}, {"definition": definition("a", triggers=[])})
    (fault,) = refused(send(client, body, "application/json"))["faults"]
    assert (fault["path"], fault["function"]) == ("$.functions[1].definition.triggers", "a")


def test_a_fault_of_a_file_is_told_once_with_its_place_in_what_was_sent(client: APIClient) -> None:
    files = {"index.ts": "\nexport default = 1"}
    script = {"steps": {"x": {"id": "x", "runtime": {"type": "typescript", "entrypoint": "index.ts"}}}}
    in_folder = refused(send(client, tar_gz(function("a", files, **script))))
    alone = refused(send(client, tar_gz({"inngest.json": json.dumps(definition("a", **script)), **files})))
    body = json_deploy({"definition": definition("a", **script), "files": files})
    in_json = refused(send(client, body, "application/json"))
    for told, folder, file in ((in_folder, "a", "a/index.ts"), (alone, "", "index.ts"), (in_json, "a", "index.ts")):
        (fault,) = told["faults"]
        assert (fault["function"], fault["file"], fault["line"]) == (folder, file, 2)
        assert told["error"].startswith(f"Nothing was deployed: {file}:2: ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"functions": {}}',
        b'{"functions": []}',
        b'{"functions": [null]}',
        b'{"functions": [{}]}',
        b'{"functions": [], "functions": []}',
        b'{"functions": [{"definition": {}, "files": []}]}',
        b'{"functions": [{"definition": NaN}]}',
        b"\xff",
        b"[" * 100_000,
        b'{"functions":' * 1_000,
        b"1" * 10_000,
        b'{"functions": [{"definition": {"id": "\\ud800", "name": "\\udfff", "\\ud800": 1}}]}',
    ],
)
def test_json_that_is_no_deploy_is_refused(client: APIClient, body: bytes) -> None:
    assert refused(send(client, body, "application/json"))["faults"]


def test_json_of_very_many_values_is_refused_before_it_is_taken_apart(client: APIClient) -> None:
    body = b'{"functions": [' + b"{}," * 600_000 + b"{}]}"
    (fault,) = refused(send(client, body, "application/json"))["faults"]
    assert "deploy an archive instead" in fault["message"]


def test_a_name_that_is_no_text_is_refused(client: APIClient) -> None:
    for field in ("id", "name"):
        broken = {"definition": definition("a") | {field: "x\ud800"}}
        assert refused(send(client, json_deploy(broken), "application/json"))["faults"]
        broken_file = {"a/inngest.json": json.dumps(broken["definition"])}
        assert refused(send(client, tar_gz(broken_file)))["faults"]


def test_faults_of_the_archive_name_the_entry(client: APIClient) -> None:
    body = tar_of(
        entry("link", tarfile.SYMTYPE, linkname="/etc/passwd"), entry("../up"), entry("a/x\udcff"), entry("fine/y")
    )
    content = refused(send(client, body, "application/x-tar"))
    assert [fault["file"] for fault in content["faults"]][:2] == ["link", "../up"]
    assert content["error"] == "Nothing was deployed: link: is a symbolic link; only plain files and folders are " + (
        "deployed (and 2 more)"
    )


def test_an_archive_without_a_function_is_refused(client: APIClient) -> None:
    (fault,) = refused(send(client, tar_gz({"README.md": "hello"})))["faults"]
    assert "no function in the archive" in fault["message"]


def test_two_functions_of_one_id_are_refused(client: APIClient) -> None:
    files = {f"{folder}/inngest.json": json.dumps(definition("same")) for folder in ("a", "b")}
    (fault,) = refused(send(client, tar_gz(files)))["faults"]
    assert (fault["path"], fault["function"]) == ("$.id", "same")


def test_what_an_app_serves_is_not_deployed_over(client: APIClient, dev: Environment) -> None:
    registered(dev, sdk_function("a"))
    slug = Function.objects.get().slug
    assert "app" in refused(send(client, tar_gz(function(slug))))["error"]


def test_too_many_functions_are_refused(client: APIClient, settings: Settings) -> None:
    settings.DEPLOY_MAX_FUNCTIONS = 2
    assert "limit is 2" in refused(send(client, tar_gz(together([function(slug) for slug in "abc"]))))["error"]


def test_a_body_that_is_too_large_is_a_413(client: APIClient, settings: Settings) -> None:
    settings.DEPLOY_MAX_BYTES = 100
    assert "100 bytes" in refused(send(client, b"x" * 101), 413)["error"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "multipart/form-data; boundary=x"])
def test_other_types_are_a_415_that_names_those_that_are_read(client: APIClient, content_type: str) -> None:
    assert "application/gzip" in refused(send(client, b"x", content_type), 415)["error"]


def test_a_compressed_transfer_is_a_415(client: APIClient) -> None:
    answer = client.post(
        "/v1/deploys",
        gzip.compress(json_deploy({"definition": definition()})),
        content_type="application/json",
        headers={"content-encoding": "gzip"},
    )
    assert "Content-Encoding" in refused(answer, 415)["error"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", "1"),
        ("base", "-1"),
        ("base", "x"),
        ("base", "9" * 40),
        ("base", "\u0665"),
        ("live", "no"),
        ("dry_run", "1"),
        ("note", "n" * 501),
        ("note", "%00"),
    ],
)
def test_bad_parameters_are_refused_by_name(client: APIClient, name: str, value: str) -> None:
    content = refused(send(client, tar_gz(function()), **{name: value}))
    assert content["error"].startswith(f"`{name}` must")
    assert not Deploy.objects.exists()


# Trying, and deploying without going live


def test_a_dry_run_changes_nothing_and_says_what_would_change(client: APIClient) -> None:
    deployed(client, function("a"))
    before = stored()
    data = deployed(client, function("a", {"x": "1"}), function("b"), status=200, dry_run="true")
    assert stored() == before
    assert (data["deploy"], data["dry_run"], data["base"]) == (None, True, 1)
    assert [one[:4] for one in numbers(data)] == [("a", "changed", 2, 1), ("b", "new", 1, None)]
    assert refused(send(client, tar_gz(function("a", triggers=[])), dry_run="true"))["faults"]


def test_what_does_not_go_live_is_a_version_all_the_same(client: APIClient) -> None:
    deployed(client, function(files={"a": "1"}))
    data = deployed(client, function(files={"a": "2"}), live="false")
    assert numbers(data) == [("welcome", "changed", 2, 1, False)]
    assert numbers(deployed(client, function(files={"a": "2"}), live="false", status=200))[0][1] == "unchanged"
    assert client.get("/v1/functions/welcome").json()["data"]["version"] == 1
    moved = client.post("/v1/functions/welcome/live", {"version": 2}, format="json", headers={"accept": "*/*"})
    assert moved.status_code == 201
    assert client.get("/v1/functions/welcome").json()["data"]["version"] == 2


# Others who deploy


def test_what_someone_else_changed_since_base_is_a_conflict_that_says_what(client: APIClient) -> None:
    deployed(client, function("a"), function("b"))
    deployed(client, function("a", {"x": "theirs"}), note="theirs")
    content = refused(send(client, tar_gz(function("a", {"x": "mine"})), base=1), 409)
    (changed,) = content["changed"]
    assert (changed["function_id"], changed["was"], changed["now"]) == ("a", 1, 2)
    assert (changed["deploy"]["number"], changed["deploy"]["note"]) == (2, "theirs")
    assert Function.objects.get(slug="a").versions.count() == 2


def test_what_someone_else_changed_alike_or_elsewhere_is_no_conflict(client: APIClient) -> None:
    deployed(client, function("a"), function("b"))
    deployed(client, function("a", {"x": "same"}))
    data = deployed(client, function("a", {"x": "same"}), function("b", {"x": "mine"}), base=1)
    assert [one[1] for one in numbers(data)] == ["unchanged", "changed"]


def at_once(bodies: list[bytes]) -> list[Any]:
    """All of them have seen the same last deploy before the first one goes on."""
    seen = threading.Barrier(len(bodies), timeout=30)
    answers: list[Any] = [None] * len(bodies)

    def read_together(content_type: str, body: bytes) -> Any:
        seen.wait()
        return read_contents(content_type, body)

    def work(place: int) -> None:
        try:
            answers[place] = send(APIClient(), bodies[place])
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.core_api.deploy_views.read_contents", read_together)
        threads = [threading.Thread(target=work, args=(place,)) for place in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    return answers


@pytest.mark.django_db(transaction=True)
def test_of_two_deploys_at_once_one_wins_and_the_other_learns_what_changed() -> None:
    dev_environment()
    for round_ in range(5):
        answers = at_once([tar_gz(function(files={"x": f"{round_} {side}"})) for side in ("left", "right")])
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code) == (201, 409), [answer.content for answer in answers]
        (changed,) = lost.json()["changed"]
        assert changed["deploy"] == won.json()["data"]["deploy"]
        assert changed["now"] == won.json()["data"]["functions"][0]["version"]


@pytest.mark.django_db(transaction=True)
def test_of_two_deploys_at_once_of_the_same_one_changes_nothing() -> None:
    dev_environment()
    for round_ in range(5):
        answers = at_once([tar_gz(function(files={"x": f"{round_}"}))] * 2)
        assert sorted(answer.status_code for answer in answers) == [200, 201], [a.content for a in answers]
    assert Environment.objects.get().deploys == 5


def test_deploys_wait_for_their_turn_but_not_for_ever(client: APIClient, settings: Settings) -> None:
    settings.DEPLOY_WAIT_SECONDS = 0.05
    taken = [deploy_views._free.acquire() for _ in range(settings.DEPLOYS_AT_ONCE)]
    try:
        answer = send(client, tar_gz(function()))
        refused(answer, 503)
        assert answer["Retry-After"] == "5"
    finally:
        for _ in taken:
            deploy_views._free.release()
    deployed(client, function())


def slow(slug: str) -> dict[str, bytes | str]:
    script = "export default [" + "[1, a => `${a}`]," * 50_000 + f'"{slug} {time.monotonic_ns()}"];'
    return function(slug, {"index.ts": script}, steps={"only": {"id": "only", "runtime": {"type": "typescript"}}})


def test_a_deploy_whose_check_takes_too_long_is_not_called_wrong(client: APIClient, settings: Settings) -> None:
    settings.DEPLOY_CHECK_SECONDS = 0.3
    before = stored()
    error = refused(send(client, tar_gz(together([slow(f"f{number}") for number in range(10)]))), 503)["error"]
    assert "DEPLOY_CHECK_SECONDS" in error
    assert "0.3 seconds" in error
    assert re.search(r'stopped at "f\d", after \d of 10 functions; nothing was deployed', error)
    assert stored() == before


def test_the_check_of_a_json_deploy_has_the_same_time(client: APIClient, settings: Settings) -> None:
    settings.DEPLOY_CHECK_SECONDS = 1e-6
    error = refused(send(client, json_deploy({"definition": definition()}), "application/json"), 503)["error"]
    assert "stopped at $.functions[0], after 0 of 1 functions" in error


def test_many_large_functions_are_deployed_as_they_have_their_time_together(client: APIClient) -> None:
    data = deployed(client, *(slow(f"f{number}") for number in range(3)))
    assert [one["change"] for one in data["functions"]] == ["new"] * 3


# What was deployed


def test_deploys_are_listed_and_told_with_what_they_moved(client: APIClient) -> None:
    deployed(client, function("a"), function("b"))
    deployed(client, function("b", {"x": "1"}), function("c"), note="second")
    listed = client.get("/v1/deploys").json()
    assert [(one["number"], one["note"]) for one in listed["data"]] == [(2, "second"), (1, "")]
    told = client.get("/v1/deploys/2").json()["data"]
    assert told["releases"] == [
        {"function_id": "b", "version": 2, "was": 1},
        {"function_id": "c", "version": 1, "was": None},
    ]
    assert refused(client.get("/v1/deploys/3"), 404)["error"] == "There is no deploy 3"
    for number in ("0", "01", "x", "9" * 30, "-1"):
        assert client.get(f"/v1/deploys/{number}").status_code == 404


def test_deploys_are_given_page_by_page(client: APIClient) -> None:
    for number in range(5):
        deployed(client, function(files={"x": str(number)}))
    page = client.get("/v1/deploys?limit=3").json()
    rest = client.get("/v1/deploys", {"limit": 3, "cursor": page["page"]["next_cursor"]}).json()
    assert [one["number"] for one in page["data"] + rest["data"]] == [5, 4, 3, 2, 1]
    assert rest["page"]["next_cursor"] is None


def test_the_statements_do_not_grow_with_the_functions(client: APIClient) -> None:
    def statements(count: int, text: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            deployed(client, *(function(f"f{number}", {"x": f"{text} {number}"}) for number in range(count)))
        return len(captured)

    statements(50, "first")
    assert statements(1, "second") == statements(50, "third")
    with CaptureQueriesContext(connection) as one, CaptureQueriesContext(connection) as listed:
        client.get("/v1/functions?limit=1")
    with CaptureQueriesContext(connection) as many:
        assert len(client.get("/v1/functions?limit=100").json()["data"]) == 50
    assert len(one) == len(listed) == len(many)


# Who may


def test_the_token_is_told_as_the_actor_and_other_environments_see_nothing(
    client: APIClient, dev: Environment, other_environment: Environment, settings: Settings
) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]
    assert refused(send(client, tar_gz(function())), 401)
    token = create_api_token(dev, "ci", Scope.DEPLOY)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    data = deployed(client, function())
    assert data["deploy"]["actor"] == f"ci ({token[:8]}…)"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_api_token(other_environment, 'theirs', Scope.DEPLOY)}")
    assert client.get("/v1/deploys").json()["data"] == []
    for path in ("deploys/1", "functions/welcome", "functions/welcome/versions/1"):
        assert client.get(f"/v1/{path}").status_code == 404
    for path in ("deploys/1/rollback", "functions/welcome/rollback", "functions/welcome/archive"):
        assert client.post(f"/v1/{path}").status_code == 404


# Whatever is sent


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=150, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "name", "triggers", "event", "steps", "runtime", "files", "type", "cron"])
                | st.text(st.characters(codec=None)),
                inner,
                max_size=5,
            )
        ),
        max_leaves=25,
    ),
    files=st.dictionaries(
        st.text(st.characters(codec=None)), st.text() | st.binary().map(lambda b: {"base64": b.hex()})
    ),
)
def test_any_definition_is_deployed_or_refused(client: APIClient, dev: Environment, document: Any, files: Any) -> None:
    for given_ in (document, definition() | (document if isinstance(document, dict) else {})):
        body = json.dumps({"functions": [{"definition": given_, "files": files}]}).encode()
        answer = send(client, body, "application/json", dry_run="true")
        assert answer.status_code in (200, 400), answer.content
        answer = send(client, tar_gz({"f/inngest.json": json.dumps(given_)}))
        assert answer.status_code in (200, 201, 400), answer.content


@pytest.mark.django_db
@hypothesis_settings(max_examples=150, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mangled() | st.tuples(st.sampled_from([*PACKERS, "application/json"]), st.binary(max_size=2_000)))
def test_any_bytes_are_deployed_or_refused(client: APIClient, case: tuple[str, bytes]) -> None:
    answer = send(client, case[1], case[0])
    assert answer.status_code in (200, 201, 400), answer.content
    assert answer.status_code < 400 or answer.json()["faults"]
