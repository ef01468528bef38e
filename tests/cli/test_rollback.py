"""`inngest rollback`, `live` and `archive`: going back, for a function or a whole deploy, and never unasked."""

from pathlib import Path

import pytest

from tests.cli.servers import CloudServer
from tests.cli.shops import SCRIPT, Shop, terminal


@pytest.fixture
def shop(dev: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """With `mail`, of which v2 is live and v1 beneath, and `pay`, which is new with the last deploy."""
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, dev)
    shop.write("mail")
    shop.deploy()
    shop.write("mail", script=SCRIPT + "// more\n")
    shop.write("pay")
    shop.deploy(note="ask for more")
    return shop


def test_the_last_deploy_is_taken_back_as_a_whole_once_it_was_agreed_to(shop: Shop) -> None:
    shown = terminal(shop, "rollback")
    shown.wait_for("back? [y/N]: ")
    plan = shop.plain(shown.text).splitlines()
    assert plan[0].endswith(" by dev mode: ask for more")
    assert plan[2:4] == ["  ↺ mail   v2 → v1   made live", "  - pay    v1        archived"]
    assert (shop.live("mail"), shop.live("pay")) == (2, 1)
    shown.type("y")
    assert shown.end() == 0
    assert (shop.live("mail"), shop.live("pay")) == (1, None)


def test_whoever_says_no_changes_nothing(shop: Shop) -> None:
    shown = terminal(shop, "rollback")
    shown.wait_for("back? [y/N]: ")
    shown.type("n")
    assert shown.end() == 1
    assert shown.lines[-1] == "nothing was changed"
    assert shop.live("mail") == 2


def test_where_nobody_can_be_asked_it_takes_a_yes(shop: Shop) -> None:
    said = shop.inngest("rollback")
    assert said.code == 1
    assert said.err.endswith("this is not a terminal\n  --yes goes on without asking\n")
    assert shop.live("mail") == 2
    assert "1 made live, 1 archived; deploy" in shop.done("rollback", "--yes")
    assert shop.live("mail") == 1


def test_a_rollback_tells_how_to_undo_it(shop: Shop) -> None:
    said = shop.done("rollback", "--yes")
    assert said.endswith("Undo it:\n  inngest live mail 2\n  inngest live pay 1\n")
    shop.done("live", shop.id_of("mail"), "2")
    assert shop.live("mail") == 2


def test_a_rollback_is_not_taken_back_as_a_deploy(shop: Shop) -> None:
    shop.done("rollback", "--yes")
    said = shop.inngest("rollback", "--yes")
    assert said.code == 1
    assert "is a rollback itself\n  inngest rollback FUNCTION takes one function further back" in said.err


def test_a_deploy_that_others_have_built_on_is_left_alone(shop: Shop) -> None:
    number = int(shop.data("deploy", "shop")["base"])
    shop.write("mail", script=SCRIPT + "// still more\n")
    shop.deploy(note="even better")
    said = shop.inngest("rollback", "--deploy", str(number), "--yes")
    assert said.code == 1
    assert "  mail  v2 → v3  by dev mode, " in shop.plain(said.err)
    assert ": even better\n" in said.err
    assert "inngest rollback FUNCTION" in said.err
    assert shop.live("mail") == 3


def test_one_function_goes_back_to_what_was_before_without_a_question(shop: Shop) -> None:
    said = shop.done("rollback", shop.id_of("mail"))
    assert "  ↺ mail   v2 → v1   made live\n      ~ index.ts\n" in said
    assert said.endswith("Undo it: inngest live mail 2\n")
    assert (shop.live("mail"), shop.live("pay")) == (1, 1)
    again = shop.inngest("rollback", shop.id_of("mail"))
    assert again.code == 1
    assert shop.plain(again.err).startswith("error: mail was nothing before; archive it, or deploy it anew")


def test_one_function_goes_back_to_a_certain_version(shop: Shop) -> None:
    shop.write("mail", script=SCRIPT + "// still more\n")
    shop.deploy()
    shop.done("rollback", shop.id_of("mail"), "--to", "1", "--note", "v1 was best")
    assert shop.live("mail") == 1


@pytest.mark.parametrize("arguments", [["mail", "--deploy", "1"], ["--to", "2"]])
def test_what_says_two_things_is_refused(person: dict[str, str], tmp_path: Path, arguments: list[str]) -> None:
    said = Shop(tmp_path, person).inngest("rollback", *arguments, "--yes")
    assert said.code == 1
    assert "inngest rollback" in said.err


def test_the_newest_version_goes_live_unless_another_is_named(shop: Shop) -> None:
    shop.done("live", shop.id_of("mail"), "1")
    assert shop.live("mail") == 1
    assert "  ↺ mail   v1 → v2   made live" in shop.done("live", shop.id_of("mail"))
    assert shop.done("live", shop.id_of("mail")).endswith("Nothing to change: it is so already\n")


def test_a_function_is_archived_once_that_was_agreed_to(shop: Shop) -> None:
    shown = terminal(shop, "archive", shop.id_of("mail"))
    shown.wait_for("[y/N]: ")
    shown.type("y")
    assert shown.end() == 0
    assert "  - mail   v2   archived" in shop.plain(shown.text)
    assert shop.live("mail") is None
    assert shop.inngest("archive", shop.id_of("pay")).code == 1
    assert shop.live("pay") == 1
    assert shop.data("archive", shop.id_of("pay"), "--yes")["functions"][0]["change"] == "archived"


@pytest.mark.parametrize(
    "arguments",
    [["live", "nope"], ["rollback", "nope"], ["archive", "nope", "--yes"], ["versions", "nope"], ["diff", "nope"]],
)
def test_a_function_that_is_not_there_is_told_with_what_lists_them(
    dev: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    said = Shop(tmp_path, dev).inngest(*arguments)
    assert said.code == 1
    assert "nope" in said.err
    assert "inngest functions --archived" in said.err


def test_a_deploy_that_is_not_there_is_told_with_where_its_number_stands(dev: dict[str, str], tmp_path: Path) -> None:
    shop = Shop(tmp_path, dev)
    for yes in ([], ["--yes"]):
        said = shop.inngest("rollback", "--deploy", "100000", *yes)
        assert said.code == 1
        assert "100000" in said.err
        assert "each deploy has printed its number" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["rollback", "--deploy", "0"],
        ["rollback", "a", "--to", "-1"],
        ["live", "a", "0"],
        ["versions", ""],
        ["live", " "],
    ],
)
def test_what_names_no_deploy_no_version_and_no_function_is_wrong_usage(
    person: dict[str, str], tmp_path: Path, arguments: list[str]
) -> None:
    assert Shop(tmp_path, person).inngest(*arguments).code == 2


def test_a_token_that_may_only_read_changes_nothing(cloud: CloudServer, person: dict[str, str], tmp_path: Path) -> None:
    token = cloud.keys("create-api-token", "office", "looker", "--scope", "read")
    shop = Shop(tmp_path, person | {"INNGEST_API_URL": cloud.url, "INNGEST_API_TOKEN": token})
    shop.write("mail")
    said = shop.inngest("deploy", "shop")
    assert said.code == 1
    assert "scope deploy" in said.err
    assert shop.live("mail") is None
