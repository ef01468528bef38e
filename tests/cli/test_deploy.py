"""`inngest deploy`: what is wrong is told at once and here; else all goes live, and what changed is told."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.cli.servers import Asked, Reply, answering, as_json
from tests.cli.shops import SCRIPT, Shop, terminal
from tests.cli.terminal import ROOT, run

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e[red]gone[/red]"
OUTCOME: dict[str, Any] = {"deploy": None, "base": 7, "dry_run": False, "functions": []}


@pytest.fixture
def shop(dev: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, dev)


@pytest.fixture
def away(person: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One with a function, whose server is each test's own."""
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, person)
    shop.write("mail")
    return shop


def untimed(text: str) -> list[str]:
    return re.sub(r"in \d+\.\d s", "in 0.0 s", text).splitlines()


def test_every_fault_of_every_function_is_told_where_it_is_and_nothing_is_sent(away: Shop) -> None:
    away.write("mail", steps={"a": {"id": "a", "path": "file://./nope", "runtime": {"type": "typescrip"}}})
    away.write("pay", script="export async function run() {\n  return (;\n}\n", bogus=1)
    with answering(lambda _: Reply(500)) as server:
        away.env["INNGEST_API_URL"] = server.url
        said = away.inngest("deploy", "shop")
        assert server.asked == []
    *faults, outcome = said.err.splitlines()
    assert (said.code, said.out) == (1, "")
    assert outcome == f"error: {len(faults)} faults; nothing was sent"
    assert any(
        re.match(r"shop/mail/inngest\.json:\d+: \$\.steps\.a\.runtime\.type: must be one of", one) for one in faults
    )
    assert any(re.match(r"shop/pay/inngest\.json:\d+: \$\.bogus: unknown field", one) for one in faults)
    assert any(one.startswith("shop/pay/index.ts:2: ") for one in faults)


def test_places_are_seen_from_where_the_person_stands(away: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = away.write("mail", bogus=1)
    (folder / "deep").mkdir()
    for here, named in ((folder, ""), (away.folder.parent, "shop/mail"), (folder / "deep", "..")):
        said = run(["deploy", *([named] if named else [])], away.env, cwd=here)
        assert said.err.startswith(f"{Path(named, 'inngest.json')}:"), said.err


def test_a_fault_that_is_longer_than_a_line_goes_on_indented(away: Shop) -> None:
    away.write("mail", steps={"a": {"id": "a", "path": "file://.", "runtime": {"type": "typescrip"}}})
    shown = terminal(away, "deploy", "shop")
    assert shown.end() == 1
    first, second = [line for line in shown.lines if line][:2]
    assert first.startswith("shop/mail/inngest.json:")
    assert second.startswith("    ")


def test_what_is_new_changed_and_unchanged_is_told(shop: Shop) -> None:
    shop.write("mail")
    shop.write("pay")
    first = untimed(shop.done("deploy", "shop"))
    number = re.search(r"deploy (\d+) is live", first[-2])
    assert number is not None
    assert first == [
        "",
        "  + mail   v1   new, 1 file",
        "  + pay    v1   new, 1 file",
        "",
        f"2 new; deploy {number[1]} is live in 0.0 s",
        f"Undo it: inngest rollback --deploy {number[1]}",
    ]
    folder = shop.write("mail", script=SCRIPT + "// more\n", name="Post")
    (folder / "text.md").write_text("Hello")
    shop.write("sell")
    assert untimed(shop.done("deploy", "shop"))[:-1] == [
        "",
        "  ~ mail   v1 → v2   changed",
        "      ~ the definition",
        "      ~ index.ts",
        "      + text.md",
        "  + sell   v1        new, 1 file",
        "  · pay    v1        unchanged",
        "",
        f"1 changed, 1 new, 1 unchanged; deploy {int(number[1]) + 1} is live in 0.0 s",
    ]
    assert [shop.live(name) for name in ("mail", "pay", "sell")] == [2, 1, 1]
    assert shop.done("deploy", "shop").endswith("3 unchanged; nothing to deploy\n")


def test_content_that_was_there_before_is_live_again(shop: Shop) -> None:
    for script in ("// a\n", "// b\n"):
        shop.write("mail", script=SCRIPT + script)
        shop.deploy()
    shop.write("mail", script=SCRIPT + "// a\n")
    assert "  ↺ mail   v2 → v1   made live" in shop.done("deploy", "shop")


def test_a_dry_run_tells_the_same_and_changes_nothing(shop: Shop) -> None:
    shop.write("mail")
    said = shop.done("deploy", "shop", "--dry-run").splitlines()
    assert said == [
        "",
        "  + mail   v1   new, 1 file",
        "",
        "1 new; this was a dry run, and nothing was deployed",
        "Deploy it: inngest deploy shop",
    ]
    assert shop.live("mail") is None
    shop.deploy()
    assert shop.done("deploy", "shop", "--dry-run").endswith("1 unchanged; nothing to deploy\n")


def test_a_version_can_be_stored_and_go_live_later(shop: Shop) -> None:
    shop.write("mail")
    shop.deploy()
    shop.write("mail", script=SCRIPT + "// more\n")
    said = shop.done("deploy", "shop", "--no-live")
    assert "  ~ mail   v1 → v2   changed, not live" in said
    assert said.endswith("and not live\nMake it live: inngest live mail 2\n")
    assert shop.live("mail") == 1
    assert "made nothing live" in shop.inngest("rollback").err
    assert "made live" in shop.done("live", shop.id_of("mail"), "2")
    assert shop.live("mail") == 2


def test_json_is_the_servers_answer_with_the_note(shop: Shop) -> None:
    shop.write("mail")
    data = shop.data("deploy", "shop", "--note", "why not")
    assert data["deploy"]["note"] == "why not"
    assert [(one["function_id"], one["change"]) for one in data["functions"]] == [(shop.id_of("mail"), "new")]


def test_a_function_alone_and_in_a_folder_is_the_same_one(shop: Shop) -> None:
    shop.write("mail")
    shop.deploy()
    assert shop.done("deploy", "shop/mail").endswith("1 unchanged; nothing to deploy\n")


def test_where_there_is_nothing_to_deploy_it_is_said_what_is_looked_for(away: Shop) -> None:
    (away.folder / "mail" / "steps").mkdir()
    (away.folder.parent / "empty").mkdir()
    for folder, told in (
        ("empty", "error: there is no function below empty\n  a function is a folder with an inngest.json"),
        ("nope", "error: there is no folder nope"),
        (
            "shop/mail/steps",
            "error: shop/mail/steps lies inside of a function\n  deploy that: inngest deploy shop/mail",
        ),
        ("shop/mail/index.ts", "error: shop/mail/index.ts is a file\n  deploy its folder: inngest deploy shop/mail"),
    ):
        said = away.inngest("deploy", folder)
        assert said.code == 1
        assert said.err.startswith(told)


def test_what_is_sent_is_one_archive_with_its_length(away: Shop) -> None:
    (away.folder / "mail" / ".env").write_text("KEY=secret")
    with answering(lambda _: as_json({"data": OUTCOME})) as server:
        away.env["INNGEST_API_URL"] = server.url
        away.done("deploy", "shop", "--note", "a & b", "--no-live")
        (asked,) = server.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert (asked.method, asked.path) == ("POST", "/v1/deploys?live=false&note=a+%26+b")
    assert headers["content-type"] == "application/gzip"
    assert int(headers["content-length"]) == len(asked.body)
    assert b"secret" not in asked.body


def test_what_is_wrong_is_json_too_for_those_who_ask_for_it(away: Shop) -> None:
    away.write("pay", bogus=1)
    said = away.inngest("deploy", "shop", "--json")
    (fault,) = json.loads(said.out)["faults"]
    assert (said.code, fault["path"], fault["file"]) == (1, "$.bogus", "inngest.json")
    faults = [{"function": "pay", "file": "pay/inngest.json", "line": 2, "path": "$.id", "message": "taken"}]
    away.write("pay")
    with answering(lambda _: as_json({"error": "no", "status": 400, "faults": faults}, 400)) as server:
        away.env["INNGEST_API_URL"] = server.url
        said = away.inngest("deploy", "shop", "--json")
    assert (said.code, json.loads(said.out)) == (1, {"faults": faults})


def test_the_servers_faults_are_told_as_those_found_here(away: Shop) -> None:
    faults = [
        {
            "function": "mail",
            "file": "mail/inngest.json",
            "line": 3,
            "path": "$.id",
            "message": f"is an app's {HOSTILE}",
        },
        {"function": "mail", "file": "", "line": None, "path": "", "message": "has no name"},
        {"function": "", "file": "", "line": None, "path": "", "message": "there are too many"},
    ]
    with answering(lambda _: as_json({"error": "no", "status": 400, "faults": faults}, 400)) as server:
        away.env["INNGEST_API_URL"] = server.url
        said = away.inngest("deploy", "shop")
    assert said.code == 1
    assert said.err.splitlines() == [
        "shop/mail/inngest.json:3: $.id: is an app's �[2J�]0;owned��[red]gone[/red]",
        "shop/mail: has no name",
        "there are too many",
        "error: 3 faults; the server refused them, and nothing was deployed",
    ]


def test_of_very_many_faults_some_are_told_and_the_rest_is_counted(away: Shop) -> None:
    bogus: dict[str, Any] = {f"bogus{number}": 1 for number in range(90)}
    for name in ("mail", "pay", "sell"):
        away.write(name, **bogus)
    told = away.inngest("deploy", "shop").err.splitlines()
    assert len(told) == 202
    assert told[-2:] == ["and 70 more", "error: 270 faults; nothing was sent"]


def test_who_deployed_meanwhile_is_told(away: Shop) -> None:
    deploy = {"number": 8, "kind": "deploy", "actor": "token ci", "note": HOSTILE, "created_at": "2020-01-02T12:00:00Z"}
    changed = [{"function_id": "mail", "was": 3, "now": 4, "deploy": deploy}]
    with answering(lambda _: as_json({"error": "no", "status": 409, "changed": changed}, 409)) as server:
        away.env["INNGEST_API_URL"] = server.url
        said = away.inngest("deploy", "shop")
    assert said.code == 1
    assert said.err.splitlines() == [
        "error: there was another deploy since, so nothing was changed:",
        "  mail  v3 → v4  by token ci, 2020-01-02, in deploy 8: �[2J�]0;owned��[red]gone[/red]",
        "  look at it: inngest diff mail",
        "  then deploy again",
    ]


def test_a_deploy_that_is_too_large_names_the_limit_and_the_largest_files(shop: Shop) -> None:
    for name, size in (("mail", 17), ("pay", 18)):
        (shop.write(name) / "film.bin").write_bytes(os.urandom(size << 20))
    said = shop.inngest("deploy", "shop")
    assert said.code == 1
    assert "error: the deploy is too large: 6 files, 35.0 MiB packed" in said.err
    assert re.search(r"the server says: .*\d+ \(32\.\d MiB\) bytes", said.err)
    assert re.search(r"18\.0 MiB  pay/film\.bin\n +17\.0 MiB  mail/film\.bin\n", said.err)


@pytest.mark.parametrize("columns", [80, 160])
def test_on_a_terminal_it_is_seen_how_far_it_is_and_then_only_what_it_came_to(shop: Shop, columns: int) -> None:
    shop.write("mail")
    shop.write("pay")
    shown = terminal(shop, "deploy", "shop", columns=columns)
    assert shown.end() == 0
    assert b"Checking" in shown.raw
    assert "Checking" not in shown.text
    assert shown.colour_of("+") == "green"
    assert [line for line in untimed(shop.plain(shown.text)) if line][2].startswith("2 new; deploy ")
    assert all(len(line) <= columns for line in shown.lines)


def test_no_name_steers_the_terminal(away: Shop) -> None:
    files = {"added": [HOSTILE], "changed": [], "removed": []}
    function = {"function_id": HOSTILE, "change": "changed", "version": 2, "was": 1, "live": True}
    data = OUTCOME | {"functions": [function | {"files": files, "definition_changed": False}]}
    with answering(lambda _: as_json({"data": data})) as server:
        away.env["INNGEST_API_URL"] = server.url
        shown = terminal(away, "deploy", "shop")
        assert shown.end() == 0
    assert b"owned" in shown.raw
    assert not re.search(rb"\x1b\]|\x1b\[2J|\x07|\xe2\x80\xae", shown.raw)


def test_ctrl_c_ends_it_without_a_traceback(away: Shop) -> None:
    over = threading.Event()

    def hold(_: Asked) -> Reply:
        over.wait(30)
        return Reply()

    with answering(hold) as server:
        away.env["INNGEST_API_URL"] = server.url
        shown = terminal(away, "deploy", "shop")
        shown.wait_for("Waiting for the server")
        shown.interrupt()
        assert shown.end() == 130
        over.set()
    assert "Traceback" not in shown.text
    assert shown.raw.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?25h" in shown.raw.split(b"Waiting")[-1]


def test_checking_and_packing_need_no_django(away: Shop) -> None:
    code = "import apps.cli.packing, sys; print([name for name in sys.modules if name.partition('.')[0] == 'django'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=away.env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
