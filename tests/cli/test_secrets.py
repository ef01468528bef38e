"""`inngest secrets`: set from every source, listed by name, removed; the value is on no screen."""

import json
from pathlib import Path

import pytest

from apps.cli.client import Client
from apps.cli.servers import Server
from tests.cli.servers import CloudServer
from tests.cli.terminal import Terminal, on_screen, run

Environment = dict[str, str]
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def token(cloud: CloudServer) -> str:
    return cloud.keys("create-api-token", "shop", "ci", "--scope", "deploy")


@pytest.fixture
def shop(person: Environment, cloud: CloudServer, token: str) -> Environment:
    """Of somebody who may deploy to `shop`, which has no secret yet."""
    env = person | {"INNGEST_API_URL": cloud.url, "INNGEST_API_TOKEN": token}
    for name in names(env):
        client_of(env).delete(f"/v1/secrets/{name}")
    return env


def client_of(env: Environment) -> Client:
    return Client(Server(env["INNGEST_API_URL"], env["INNGEST_API_TOKEN"]))


def names(env: Environment) -> list[str]:
    return [one["name"] for one in client_of(env).get("/v1/secrets")["data"]]


def test_a_value_is_asked_for_without_an_echo(shop: Environment) -> None:
    terminal = Terminal(["secrets", "set", "API_KEY"], shop)
    terminal.wait_for("Value of API_KEY: ")
    terminal.type("hush-hush")
    assert terminal.end() == 0
    assert b"hush-hush" not in terminal.raw
    assert "  + API_KEY" in terminal.text
    assert "1 new, 0 replaced" in terminal.text
    shown = on_screen(["secrets", "list"], shop)
    assert [line.split()[0] for line in shown.lines if line] == ["SECRET", "─" * len(shown.lines[1]), "API_KEY"]
    assert "ci (api_" in shown.text


def test_a_value_comes_from_stdin_without_its_last_line_break(shop: Environment) -> None:
    said = run(["secrets", "set", "PEM", "--json"], shop, "one\ntwo\n")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == {"made": ["PEM"], "replaced": []}
    said = run(["secrets", "set", "EMPTY"], shop, "\n")
    assert (said.code, "there is no value for EMPTY" in said.err) == (1, True)


def test_a_value_on_the_command_line_is_taken_with_a_word_of_warning(shop: Environment) -> None:
    for words in (["URL", "https://x.example/?a=b"], ["A=1", "B=x=y", "EMPTY="]):
        said = run(["secrets", "set", *words], shop)
        assert said.code == 0, said.err
        assert "the shell's history" in said.err
        assert "https" not in said.out + said.err
    assert names(shop) == ["A", "B", "EMPTY", "URL"]


def test_a_dotenv_file_is_set_as_a_whole_or_not_at_all(shop: Environment, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('# ours\nexport A=1\nB="two\nlines"\nC=${A}\n')
    assert run(["secrets", "set", "--from-file", str(file)], shop).out.endswith(
        "3 new, 0 replaced; steps get them from now on.\n"
    )
    said = run(["secrets", "set", "-f", "-", "D=4"], shop, "A=2\n")
    assert said.out.splitlines()[:2] == ["  ~ A", "  + D"]
    said = run(["secrets", "set", "-f", "-"], shop, "E=1\nPATH=/bin\n")
    assert (said.code, "PATH belongs to what runs the step" in said.err) == (1, True)
    assert names(shop) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "why"),
    [
        (["hush-hush"], b"", "cannot be the name"),
        (["1A=hush-hush"], b"", "cannot be the name"),
        (["A"], b"\xffhush", "stdin is not UTF-8"),
        (["-f", "-"], b"A", "has no value"),
        (["-f", "-"], b"", "has no variable"),
        (["-f", "/nowhere"], b"", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    person: Environment, arguments: list[str], stdin: bytes, why: str
) -> None:
    said = run(["secrets", "set", *arguments], person | {"INNGEST_API_URL": "http://127.0.0.1:9"}, stdin)
    assert (said.code, said.out) == (1, "")
    assert why in said.err
    assert "=hush" not in said.err


@pytest.mark.parametrize("arguments", [[], ["A", "b", "c"], ["A=1", "B"]])
def test_words_that_make_no_sense_are_wrong_usage(person: Environment, arguments: list[str]) -> None:
    assert run(["secrets", "set", *arguments], person).code == 2


def test_removing_asks_first(shop: Environment) -> None:
    run(["secrets", "set", "A=1"], shop)
    assert "there is nobody to ask" in run(["secrets", "remove", "A"], shop).err
    for answer, left in (("n", ["A"]), ("y", [])):
        terminal = Terminal(["secrets", "remove", "A"], shop)
        terminal.wait_for("Remove it?")
        terminal.type(answer)
        assert terminal.end() == (0 if answer == "y" else 1)
        assert names(shop) == left
    said = run(["secrets", "remove", "A", "--yes"], shop)
    assert (said.code, "has no secret A" in said.err) == (1, True)
    assert "inngest secrets list" in said.err


def test_the_environment_is_the_one_that_is_named(shop: Environment) -> None:
    said = run(["secrets", "set", "A=1", "--env", "office"], shop)
    assert (said.code, "not for office" in said.err) == (1, True)
    assert run(["secrets", "set", "A=1", "--env", "shop"], shop).code == 0
    assert names(shop) == ["A"]
