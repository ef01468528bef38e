"""`inngest dev`: the whole server from any folder, in one terminal, and what keeps it from starting."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.acceptance.server import free_port
from tests.cli.shops import SCRIPT, Shop
from tests.cli.terminal import Terminal
from tests.waiting import wait_for

START_SECONDS = 120.0


@pytest.fixture
def shop(person: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, person)


def whoami(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/v1/whoami", timeout=2) as answer:
            return bool(json.load(answer)["data"]["server"]["kind"] == "dev")
    except (urllib.error.URLError, OSError):
        return False


def test_the_server_runs_beside_any_folder_until_ctrl_c(shop: Shop) -> None:
    shop.write("mail")
    port = free_port()
    running = Terminal(["dev", "shop", "--port", str(port), "--no-discovery", "--step-workers", "1"], shop.env)
    try:
        wait_for(lambda: whoami(port), "the server answers", START_SECONDS)
        shop.env["INNGEST_API_URL"] = f"http://localhost:{port}"
        assert shop.live("mail") == 1
        shop.write("mail", script=SCRIPT + "// more\n")
        wait_for(lambda: shop.live("mail") == 2, "the function is loaded again")
        assert (shop.folder.parent / ".inngest" / "address").read_text() == f"http://localhost:{port}\n"
        running.wait_for("Ctrl-C stops everything")
    finally:
        running.interrupt()
        code = running.end()
    assert code == 0
    assert "Traceback" not in running.text
    assert not whoami(port)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "There is no folder nope"),
        (["shop", "-u", "ftp://x"], "'ftp://x' is not the URL of an app"),
        (["shop", "--discovery-ports", "many"], "'many' is not a list of ports"),
        (["shop", "--host", "no.such.host.invalid"], "'no.such.host.invalid' is not known"),
    ],
)
def test_what_keeps_it_from_starting_is_told_in_a_sentence(shop: Shop, arguments: list[str], told: str) -> None:
    said = shop.inngest("dev", *arguments)
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert told in said.err
    assert not (shop.folder.parent / ".inngest" / "postgres").exists()


def test_a_setting_that_cannot_be_read_is_named(shop: Shop) -> None:
    shop.env |= {"INNGEST_DEV_PORT": "many", "LOG_LEVEL": "loud"}
    said = shop.inngest("dev", "shop")
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert "INNGEST_DEV_PORT='many'" in said.err
    assert "LOG_LEVEL='loud': not one of DEBUG, INFO" in said.err


def test_options_out_of_range_are_refused_by_name(shop: Shop) -> None:
    for option, value in (("--port", "0"), ("--step-workers", "0"), ("--poll-interval", "0")):
        said = shop.inngest("dev", "shop", option, value)
        assert said.code == 2
        assert option in said.err
