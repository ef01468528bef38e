"""Diffs: what `patch` makes of them is the other text, and no pair of texts makes them work for long."""

import random
import subprocess
import time
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.core_api import diffs, version_diffs
from apps.core_api.diffs import Differ
from apps.core_api.line_matching import Work, hunks
from tests.core_api.archiving import function
from tests.core_api.deploying import deploy, deploy_texts, get, post
from tests.functions import dev_environment

DIFF = "/v1/functions/welcome/diff"


def diff(old: bytes | None, new: bytes | None) -> str | None:
    return Differ().diff(old, new, "old", "new")


def test_a_diff_shows_what_changed_with_what_is_around_it() -> None:
    old = "".join(f"{number}\n" for number in range(1, 21))
    assert diff(old.encode(), old.replace("10\n", "ten\n").encode()) == (
        "--- old\n+++ new\n@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
    )


def test_changes_that_are_far_from_each_other_stand_apart() -> None:
    old = "".join(f"{number}\n" for number in range(1, 41))
    text = diff(old.encode(), old.replace("5\n", "five\n", 1).replace("35\n", "x\n").encode())
    assert text is not None
    assert text.count("@@ -") == 2


def test_a_missing_end_of_line_is_told() -> None:
    assert diff(b"a", b"a\n") == "--- old\n+++ new\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"


def test_what_is_not_there_is_dev_null() -> None:
    assert diff(None, b"a\n") == "--- /dev/null\n+++ new\n@@ -0,0 +1 @@\n+a\n"
    assert diff(b"a\n", None) == "--- old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    assert diff(b"same", b"same") == ""


@pytest.mark.parametrize("binary", [b"\0", b"\xff", b"a\n\xed\xa0\x80"])
def test_what_is_no_text_has_no_diff(binary: bytes) -> None:
    assert diff(b"a", binary) is None
    assert diff(binary, None) is None


_texts = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "d", "x\x0b\u2028y\n", "\r\n"]), max_size=30).map("".join)


@hypothesis_settings(max_examples=300, deadline=None)
@given(old=_texts, new=_texts)
def test_hunks_turn_one_text_into_the_other(old: str, new: str) -> None:
    before, after = old.split("\n"), new.split("\n")
    for steps in (10_000, 30, 0):
        made, at = [], 0
        for hunk in hunks(before, after, 1, Work(steps)):
            for kind, old_from, old_to, new_from, new_to in hunk:
                made += before[at:old_from] + after[new_from:new_to]
                at = old_to
                assert kind != "equal" or before[old_from:old_to] == after[new_from:new_to]
        assert made + before[at:] == after


def test_what_is_around_a_change_is_the_same_however_often_its_lines_occur() -> None:
    assert diff(b"a\n" * 4_000, b"a\n" * 2_000 + b"b\n" + b"a\n" * 2_000) == (
        "--- old\n+++ new\n@@ -1998,6 +1998,7 @@\n a\n a\n a\n+b\n a\n a\n a\n"
    )


def test_patch_makes_the_other_text_of_it(tmp_path: Path) -> None:
    rng = random.Random(7)
    for _ in range(60):
        old = "".join(rng.choice("abcdefgh") + rng.choice(["\n", "\n", "\n", ""]) for _ in range(rng.randrange(1, 60)))
        new = "".join(rng.choice([sign, sign, sign, sign + "z\n", ""]) for sign in old)
        text = diff(old.encode(), new.encode())
        assert text is not None
        (tmp_path / "f").write_text(old)
        if text:
            subprocess.run(["patch", "-s", "f"], cwd=tmp_path, input=text.encode(), check=True)
        assert ((tmp_path / "f").read_text() if (tmp_path / "f").exists() else "") == new


def _swapped(lines: list[str]) -> list[str]:
    return [line for pair in zip(lines[1::2], lines[::2], strict=True) for line in pair]


def _few(letters: str, count: int) -> list[str]:
    return random.Random(1).choices(letters, k=count)


_DIFFERENT = [f"{number:050}" for number in range(5_000)]
_REPEATED = [str(number % 103) for number in range(5_000)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (_few("ab", 5_000), _few("ba", 5_000)),
        (_few("ab", 198), _few("ba", 198)),
        (["a"] * 5_000, ["a"] * 2_000 + ["b"]),
        (_DIFFERENT, _swapped(_DIFFERENT)),
        (_DIFFERENT[:300], _swapped(_DIFFERENT[:300])),
        (_REPEATED, _swapped(_REPEATED)),
        ([], [""] * 5_000),
    ],
)
def test_an_answer_of_hostile_texts_takes_less_than_a_second_of_work(old: list[str], new: list[str]) -> None:
    differ, texts = Differ(), ["".join(f"{line}\n" for line in lines).encode() for lines in (old, new)]
    begun = time.process_time()
    made = [differ.diff(texts[0], texts[1], "old", "new") for _ in range(1_000) if differ.may_compare(*map(len, texts))]
    assert time.process_time() - begun < 1
    assert made[0]
    assert len(made) < 1_000 or made[-1] is None


def test_texts_of_too_many_lines_have_no_diff() -> None:
    assert diff(b"\n" * 5_000, b"\n" * 4_999 + b"x\n")
    assert diff(b"\n" * 5_001, b"\n" * 5_000) is None
    assert diff(None, b"\n" * 5_001) is None


def test_one_pair_of_texts_leaves_work_for_the_others() -> None:
    differ, swapped = Differ(), _swapped(_DIFFERENT)
    large = ["".join(f"{line}\n" for line in lines).encode() for lines in (_DIFFERENT, swapped)]
    assert differ.diff(large[0], large[1], "old", "new")
    assert differ.diff(b"a\nb\n", b"a\nc\n", "old", "new") == "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"


def test_once_the_work_of_an_answer_is_done_there_are_no_more_diffs() -> None:
    differ = Differ()
    large = b"a\n" * 5_000
    made = [differ.diff(large, large + b"b", "old", "new") for _ in range(100)]
    assert (made[0] is None, made[-1]) == (False, None)


def test_a_definition_that_would_have_too_many_lines_is_not_put_in_lines() -> None:
    assert diffs.pretty('{"b": "[[[", "a": [1]}') == b'{\n  "a": [\n    1\n  ],\n  "b": "[[["\n}\n'
    assert diffs.pretty('{"a":[' + "[]," * 2_000 + "[]]}") is None


# Of versions


def test_without_parameters_it_is_what_the_last_change_changed(client: APIClient) -> None:
    deploy(client, function(files={"kept": "1\n", "changed": "1\n", "gone": "1\n", "b.bin": b"\0"}))
    deploy(client, function(files={"kept": "1\n", "changed": "2\n", "new": "1\n", "b.bin": b"\1\0"}, name="Hello"))
    data = get(client, DIFF)
    assert (data["from"], data["to"]) == (1, 2)
    assert '-  "name": "Welcome",\n+  "name": "Hello",\n' in data["definition"]
    assert data["definition"].startswith("--- v1/definition.json\n+++ v2/definition.json\n@@ ")
    assert [(one["path"], one["change"]) for one in data["files"]] == [
        ("b.bin", "changed"),
        ("changed", "changed"),
        ("gone", "removed"),
        ("new", "added"),
    ]
    binary, changed, gone, new = (one["diff"] for one in data["files"])
    assert binary is None
    assert changed == "--- v1/changed\n+++ v2/changed\n@@ -1 +1 @@\n-1\n+2\n"
    assert gone == "--- v1/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"
    assert new == "--- /dev/null\n+++ v2/new\n@@ -0,0 +1 @@\n+1\n"


def test_the_first_version_is_compared_with_nothing(client: APIClient) -> None:
    deploy_texts(client, "1")
    data = get(client, DIFF)
    assert (data["from"], data["to"], data["files"][0]["change"]) == (None, 1, "added")
    assert data["definition"].startswith("--- /dev/null\n+++ v1/definition.json\n")


def test_any_two_versions_are_compared_either_way(client: APIClient) -> None:
    deploy_texts(client, "1", "2", "3")
    data = get(client, DIFF, **{"from": 3, "to": 1})
    assert (data["from"], data["to"], data["definition"]) == (3, 1, "")
    assert "-3\n" in data["files"][0]["diff"]
    assert get(client, DIFF, **{"from": 2, "to": 2})["files"] == []


def test_what_is_not_live_is_compared_with_what_is(client: APIClient) -> None:
    deploy_texts(client, "1", "2")
    deploy(client, function(files={"x": "3"}), live="false")
    assert [get(client, DIFF, to=to)["from"] for to in (3, 2, 1)] == [2, 1, 2]
    post(client, "/v1/functions/welcome/rollback")
    assert (get(client, DIFF)["from"], get(client, DIFF)["to"]) == (None, 1)


def test_of_an_archived_function_versions_are_named(client: APIClient) -> None:
    deploy_texts(client, "1", "2")
    post(client, "/v1/functions/welcome/archive")
    answer = client.get(DIFF)
    assert (answer.status_code, answer.json()["error"][:9]) == (400, "`to` must")
    assert get(client, DIFF, **{"from": 1, "to": 2})["files"][0]["change"] == "changed"


@pytest.mark.parametrize("query", ["from=x", "to=-1", "from=99999999999", "to=1.5", "from=%00"])
def test_bad_parameters_are_refused_by_name(client: APIClient, query: str) -> None:
    deploy(client)
    answer = client.get(f"{DIFF}?{query}")
    assert (answer.status_code, answer.json()["error"][0]) == (400, "`")


@pytest.mark.parametrize("query", ["from=0", "from=7", "to=7", "to=2147483647"])
def test_versions_that_are_not_there_are_a_404(client: APIClient, query: str) -> None:
    deploy(client)
    assert client.get(f"{DIFF}?{query}").status_code == 404


def test_large_files_are_named_and_not_compared(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "MAX_BYTES", 2_000)
    deploy(client, function(files={"large": "1" * 3_000, "small": "1"}))
    large, small = get(client, DIFF)["files"]
    assert (large["diff"], large["change"]) == (None, "added")
    assert small["diff"] is not None


def test_an_answer_compares_so_much_and_no_more(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "ANSWER_BYTES", 5_000)
    deploy(client, function(files={f"{number}": "1" * 1_000 for number in range(9)}))
    compared = [one["diff"] is not None for one in get(client, DIFF)["files"]]
    assert any(compared)
    assert not all(compared)


@pytest.mark.django_db(transaction=True)
def test_who_waits_to_compare_holds_no_connection_and_is_told_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(version_diffs, "TURN_SECONDS", 0.01)
    dev_environment()
    client = APIClient()
    deploy_texts(client, "1", "2")
    with version_diffs._turn():
        answer = client.get(DIFF)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "try again" in answer.json()["error"]
    assert connection.connection is None
    assert client.get(DIFF).status_code == 200
    assert connection.connection is None


def test_a_definition_too_large_to_be_compared_is_told_as_null(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_texts(client, "1", "2")
    monkeypatch.setattr(diffs, "MAX_LINES", 5)
    data = get(client, DIFF)
    assert data["definition"] is None
    assert "-1\n" in data["files"][0]["diff"]
