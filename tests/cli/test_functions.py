"""`inngest functions`, `versions` and `diff`: what is there, at a glance."""

from pathlib import Path

import pytest

from tests.cli.servers import answering, as_json
from tests.cli.shops import SCRIPT, Shop, terminal

HOSTILE = "\x1b[2J\x1b]0;owned\x07"


@pytest.fixture
def shop(dev: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """With `mail` in two versions, and `tidy`, which the clock starts."""
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, dev)
    shop.write("mail", triggers=[{"event": "a/b", "expression": "event.data.size > 3"}, {"event": "c/d"}])
    shop.deploy()
    shop.write("mail", script=SCRIPT + "// more\n", triggers=[{"event": "a/b"}])
    shop.write("tidy", triggers=[{"cron": "TZ=Europe/Paris 0 9 * * 1"}])
    shop.deploy(note="no more conditions")
    return shop


def row(shop: Shop, said: str, name: str) -> list[str]:
    """The cells of the function's line."""
    (line,) = [one for one in said.splitlines() if one.startswith(f"{name} ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_functions_are_listed_with_what_starts_them(shop: Shop) -> None:
    said = shop.done("functions")
    assert row(shop, said, "mail")[:3] == ["mail", "v2", "a/b"]
    assert row(shop, said, "tidy")[:3] == ["tidy", "v1", "cron TZ=Europe/Paris 0 9 * * 1"]
    shop.done("live", shop.id_of("mail"), "1")
    assert row(shop, shop.done("functions"), "mail")[:3] == ["mail", "v1", "a/b if event.data.size > 3, c/d"]


def test_deploys_are_listed_with_the_numbers_that_a_rollback_takes(shop: Shop) -> None:
    newest, before = shop.data("deploys", "--limit", "2")
    assert (newest["number"], newest["kind"], newest["note"]) == (before["number"] + 1, "deploy", "no more conditions")
    said = shop.done("deploys", "--limit", "1").splitlines()
    assert said[0].split() == ["DEPLOY", "KIND", "WHEN", "BY", "NOTE"]
    assert said[-1].split()[:2] == [str(newest["number"]), "deploy"]
    assert "no more conditions" in said[-1]


def test_what_is_archived_or_was_never_live_is_told_apart(shop: Shop) -> None:
    shop.done("archive", shop.id_of("mail"), "--yes")
    shop.write("later")
    shop.deploy(live=False)
    assert not [line for line in shop.done("functions").splitlines() if line.startswith("mail ")]
    said = shop.done("functions", "--archived")
    assert row(shop, said, "mail")[1] == "archived"
    assert row(shop, said, "later")[1] == "not live"


def test_more_functions_than_a_page_holds_are_all_listed(person: dict[str, str], tmp_path: Path) -> None:
    one = {"version": 1, "archived": False, "app": None, "triggers": [{"event": "a/b"}], "live_since": None}
    pages = [
        {"data": [one | {"id": "a"}], "page": {"next_cursor": "x"}},
        {"data": [], "page": {"next_cursor": "y"}},
        {"data": [one | {"id": "b", "app": f"shop{HOSTILE}"}], "page": {"next_cursor": None}},
    ]
    left = iter(pages)
    with answering(lambda _: as_json(next(left))) as server:
        shop = Shop(tmp_path, person | {"INNGEST_API_URL": server.url})
        said = shop.done("functions")
        assert [asked.path for asked in server.asked][1:] == [
            "/v1/functions?limit=100&cursor=x",
            "/v1/functions?limit=100&cursor=y",
        ]
    assert row(shop, said, "a")[:3] == ["a", "v1", "a/b"]
    assert "APP" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("columns", [80, 160])
def test_tables_fit_the_terminal(shop: Shop, columns: int) -> None:
    for arguments in (["functions"], ["versions", shop.id_of("mail")]):
        shown = terminal(shop, *arguments, columns=columns)
        assert shown.end() == 0
        assert all(len(line) <= columns for line in shown.lines)
        assert shop.id_of("mail") in shown.text or "no more conditions" in shown.text


def test_versions_are_listed_with_when_whose_and_why(shop: Shop) -> None:
    said = shop.done("versions", shop.id_of("mail")).splitlines()
    newest, oldest = said[-2:]
    assert newest.split()[:2] == ["v2", "live"]
    assert newest.rstrip().endswith("no more conditions")
    assert "dev mode" in newest
    assert oldest.split()[0] == "v1"
    assert "live" not in oldest
    assert [one["version"] for one in shop.data("versions", shop.id_of("mail"))] == [2, 1]


def test_a_diff_shows_the_definition_and_the_files(shop: Shop) -> None:
    said = shop.inngest("diff", shop.id_of("mail")).out
    assert '-      "expression": "event.data.size > 3"' in said
    assert "+// more" in said.splitlines()
    assert "\x1b" not in said
    backwards = shop.inngest("diff", shop.id_of("mail"), "2", "1").out
    assert "-// more" in backwards.splitlines()
    assert shop.data("diff", shop.id_of("mail"))["from"] == 1


def test_a_diff_is_coloured_on_a_terminal(shop: Shop) -> None:
    shown = terminal(shop, "diff", shop.id_of("mail"))
    assert shown.end() == 0
    assert shown.colour_of("+// more") == "green"
    assert shown.colour_of("@@") == "cyan"
    assert shown.colour_of("-  ") == "red"


def test_what_is_the_same_and_what_is_no_text_is_said(shop: Shop) -> None:
    assert shop.done("diff", shop.id_of("mail"), "2", "2") == "v2 and v2 of mail are the same\n"
    (shop.write("mail", script=SCRIPT) / "a.bin").write_bytes(b"\0\xff")
    shop.deploy()
    assert "a.bin: added, not text" in shop.done("diff", shop.id_of("mail"))


def test_a_diff_of_hostile_code_does_not_steer_the_terminal(shop: Shop) -> None:
    shop.write("mail", script=f"{SCRIPT}// {HOSTILE}\n")
    shop.deploy()
    shown = terminal(shop, "diff", shop.id_of("mail"))
    assert shown.end() == 0
    assert b"owned" in shown.raw
    assert b"\x1b]" not in shown.raw
    assert b"\x1b[2J" not in shown.raw
