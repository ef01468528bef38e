"""Logging in and out, and which server, environment and token a command uses."""

import json
from pathlib import Path

import pytest

from tests.cli.servers import CloudServer, WholeServer, answering, as_json
from tests.cli.terminal import Terminal, on_screen, run

Environment = dict[str, str]
pytestmark = pytest.mark.timeout(240)


def _file(person: Environment) -> Path:
    return Path(person["INNGEST_CONFIG_DIR"], "credentials.json")


def _whoami(env: Environment, *arguments: str) -> dict[str, str]:
    said = run(["whoami", "--json", *arguments], env)
    assert said.code == 0, said.err
    told = json.loads(said.out)
    return {"url": told["url"], "environment": told["environment"]["name"], "scope": told["access"]["scope"]}


def test_the_token_is_asked_for_without_an_echo_and_kept_for_its_owner_alone(
    person: Environment, cloud: CloudServer
) -> None:
    token = cloud.keys("create-api-token", "shop", "laptop")
    terminal = Terminal(["login", "--url", cloud.url], person)
    terminal.wait_for(f"API token for {cloud.url}: ")
    terminal.type(token)
    assert terminal.end() == 0
    assert token.encode() not in terminal.raw
    assert f"Logged in to {cloud.url}, environment shop." in terminal.text
    assert _file(person).stat().st_mode & 0o777 == 0o600
    assert _file(person).parent.stat().st_mode & 0o777 == 0o700
    shown = on_screen(["whoami"], person)
    assert f"server       {cloud.url} (cloud, version" in shown.text
    assert "environment  shop" in shown.text
    assert f"API token laptop ({token[:8]}…), scope" in shown.text
    assert token not in shown.text


def test_a_token_comes_from_stdin(person: Environment, cloud: CloudServer) -> None:
    token = cloud.keys("create-api-token", "shop", "ci")
    assert run(["login", "--url", f"{cloud.url}/", "--token", "-"], person, f"{token}\n").code == 0
    assert _whoami(person)["environment"] == "shop"


def test_a_wrong_token_is_not_kept(person: Environment, cloud: CloudServer) -> None:
    said = run(["login", "--url", cloud.url, "--token", "api_wrong"], person)
    assert (said.code, said.out) == (1, "")
    assert f"{cloud.url} does not know this token" in said.err
    assert not _file(person).exists()


@pytest.mark.parametrize("token", ["", "two words", "ümlaut", "a\x01b"])
def test_what_is_no_token_is_not_sent(person: Environment, token: str) -> None:
    with answering(lambda _: as_json({"kind": "cloud"})) as server:
        said = run(["login", "--url", server.url, "--token", "-"], person, token)
        assert "that is no API token" in said.err
        assert [asked.path for asked in server.asked] == ["/"]


def test_without_a_terminal_nothing_is_asked(person: Environment) -> None:
    with answering(lambda _: as_json({"kind": "cloud"})) as server:
        said = run(["login", "--url", server.url], person)
    assert said.err.startswith("error: there is no token")


def test_a_dev_server_asks_for_no_token(person: Environment, server: WholeServer) -> None:
    assert run(["login", "--url", server.url], person).code == 0
    told = run(["login", "--url", server.url, "--token", "api_of_another"], person)
    assert told.code == 0
    assert "needs no token; the one that was given is not kept" in told.err
    assert "api_of_another" not in _file(person).read_text()
    assert _whoami(person) == {"url": server.url, "environment": "dev", "scope": "admin"}


def test_an_open_line_is_no_way_for_a_token(person: Environment) -> None:
    """A proxy stands for the name of another machine."""
    with answering(lambda _: as_json({"kind": "cloud"})) as proxy:
        env = person | {"http_proxy": proxy.url}
        said = run(["login", "--url", "http://elsewhere.example", "--token", "secret"], env)
        assert said.code == 1
        assert "plain http" in said.err
        assert all("authorization" not in {name.lower() for name in asked.headers} for asked in proxy.asked)
        run(["login", "--insecure", "--url", "http://elsewhere.example", "--token", "secret"], env)
        assert proxy.asked[-1].headers["authorization"] == "Bearer secret"


def test_each_environment_has_a_token_of_its_own(person: Environment, cloud: CloudServer) -> None:
    for slug in ("shop", "office"):
        token = cloud.keys("create-api-token", slug, "laptop")
        assert run(["login", "--url", cloud.url, "--token", token], person).code == 0
    assert _whoami(person)["environment"] == "office"
    assert _whoami(person, "--env", "shop")["environment"] == "shop"
    said = run(["whoami", "--env", "stage"], person)
    assert "nobody has logged in to the environment stage" in said.err
    assert "office, shop" in said.err
    assert "environment office" in run(["logout"], person).out
    assert _whoami(person)["environment"] == "shop"
    assert run(["logout", "--env", "office"], person).code == 1
    assert run(["logout", "--all"], person).code == 0
    assert json.loads(_file(person).read_text())["servers"] == {}


def test_the_variables_win_over_the_login(person: Environment, cloud: CloudServer, server: WholeServer) -> None:
    assert run(["login", "--url", server.url], person).code == 0
    variables = {"INNGEST_API_URL": cloud.url, "INNGEST_API_TOKEN": cloud.keys("create-api-token", "shop", "ci")}
    assert _whoami(person | variables)["environment"] == "shop"
    assert _whoami(person | variables, "--env", "shop")["environment"] == "shop"
    said = run(["runs", "--env", "office"], person | variables)
    assert (said.code, said.out) == (1, "")
    assert f"the token is for the environment shop of {cloud.url}, not for office" in said.err


def test_a_dev_server_has_one_environment(dev: Environment, server: WholeServer) -> None:
    said = run(["runs", "--env", "production"], dev)
    assert f"{server.url} is a dev server, whose one environment is dev, not production" in said.err


def test_a_token_of_branches_needs_the_branchs_name(person: Environment, cloud: CloudServer) -> None:
    token = cloud.keys("create-api-token", "branch", "ci")
    variables = {"INNGEST_API_URL": cloud.url, "INNGEST_API_TOKEN": token}
    said = run(["runs", "--env", "branch/not-there"], person | variables)
    assert "There is no branch environment 'not-there'" in said.err


def test_the_header_names_the_branch(person: Environment) -> None:
    told = {
        "server": {"kind": "cloud", "version": "1"},
        "environment": {"name": "branch/next", "parent": "branch"},
        "access": {"kind": "api-token", "name": "ci", "hint": "x", "scope": "deploy"},
    }
    with answering(lambda asked: as_json({"data": told, "kind": "cloud"})) as server:
        assert run(["login", "--url", server.url, "--token", "t", "--env", "branch/next"], person).code == 0
        assert run(["whoami", "--env", "branch/next"], person).code == 0
        assert server.asked[-1].headers["x-inngest-env"] == "next"
        # The one token opens every branch.
        said = run(["whoami", "--env", "branch/other"], person)
    assert "the token is for the environment branch/next" in said.err


def test_a_file_that_others_can_read_is_refused(person: Environment, server: WholeServer) -> None:
    assert run(["login", "--url", server.url], person).code == 0
    _file(person).chmod(0o644)
    said = run(["whoami"], person)
    assert said.code == 1
    assert f"chmod 600 {_file(person)}" in said.err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"servers": {"x": 1}}'])
def test_a_damaged_file_is_named(person: Environment, content: str) -> None:
    _file(person).parent.mkdir(parents=True)
    _file(person).write_text(content)
    _file(person).chmod(0o600)
    said = run(["whoami"], person)
    assert said.err.startswith(f"error: {_file(person)} is damaged")
    assert "inngest login" in said.err


def test_a_folder_that_cannot_be_written_is_named(person: Environment, server: WholeServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = run(["login", "--url", server.url], person | {"INNGEST_CONFIG_DIR": str(tmp_path / "file" / "below")})
    assert said.code == 1
    assert "INNGEST_CONFIG_DIR" in said.err
