"""`inngest init`: what it asks, what it takes from flags, and what it never does."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.cli.problems import Problem
from apps.cli.scaffold.answers import slug
from apps.cli.scaffold.deciding import Flags, decide
from apps.cli.scaffold.writing import write_folder
from tests.cli.terminal import Said, Terminal, run

EVENT = ("--event", "user/signed.up")


@pytest.fixture
def here(person: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the command runs."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def init(person: dict[str, str], *arguments: str) -> Said:
    return run(["init", *arguments], person)


def definition(folder: Path) -> Any:
    return json.loads((folder / "inngest.json").read_text())


def paths(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_flags_say_all(here: Path, person: dict[str, str]) -> None:
    said = init(person, "--name", "Welcome: mail!", *EVENT, "--language", "typescript")
    assert said.code == 0, said.err
    folder = here / "welcome-mail"
    schema = {"format": "json-schema", "def": "file://./events/user-signed-up.json"}
    trigger = {"event": "user/signed.up", "definition": schema}
    assert definition(folder) == {"id": "welcome-mail", "name": "Welcome: mail!", "triggers": [trigger]}
    code = {"index.ts", "types.ts", "event.json", "events/user-signed-up.json"}
    assert paths(folder) == code | {"inngest.json", "README.md", ".gitignore"}
    assert said.out.startswith("Made Welcome: mail! in welcome-mail\n")
    for step in ("cd welcome-mail", "inngest run", "inngest dev", "inngest deploy"):
        assert step in said.err


@pytest.mark.parametrize(("name", "made"), [("Große Räume: 2!", "grosse-raume-2"), ("Crème brûlée", "creme-brulee")])
def test_the_id_is_what_a_to_z_can_say_of_the_name(name: str, made: str) -> None:
    assert slug(name) == made


def test_a_person_is_asked_what_no_flag_says(here: Path, person: dict[str, str]) -> None:
    terminal = Terminal(["init", "--event", "order/placed"], person)
    terminal.wait_for("Name [My function]: ")
    terminal.type("Send the order")
    terminal.wait_for("Language: typescript, python, go, rust, or the URL of an http step [typescript]: ")
    terminal.type("cobol")
    terminal.wait_for("a language is one of typescript, python, go, rust")
    terminal.wait_for("[typescript]: ")
    terminal.type("go")
    assert terminal.end() == 0
    assert {"main.go", "go.mod"} <= paths(here / "send-the-order")


def test_a_person_may_take_every_answer_as_it_is(here: Path, person: dict[str, str]) -> None:
    terminal = Terminal(["init", "first-steps"], person)
    for question in ("Name [First steps]: ", "Event or cron that starts it [user/signed.up]: ", "[typescript]: "):
        terminal.wait_for(question)
        terminal.type("")
    assert terminal.end() == 0
    assert definition(here / "first-steps")["name"] == "First steps"


def test_a_person_may_answer_with_a_cron_and_a_url(here: Path, person: dict[str, str]) -> None:
    terminal = Terminal(["init", "report"], person)
    terminal.wait_for("Name [Report]: ")
    terminal.type("")
    terminal.wait_for("[user/signed.up]: ")
    terminal.type("TZ=Europe/Pariss 0 9 * * 1")
    terminal.wait_for('did you mean "Europe/Paris"?')
    terminal.type("TZ=Europe/Paris 0 9 * * 1")
    terminal.wait_for("[typescript]: ")
    terminal.type("https://example.com/report")
    assert terminal.end() == 0
    document = definition(here / "report")
    assert document["triggers"] == [{"cron": "TZ=Europe/Paris 0 9 * * 1"}]
    assert document["steps"]["step-1"]["runtime"] == {"type": "http", "url": "https://example.com/report"}


def test_ctrl_c_leaves_nothing_behind(here: Path, person: dict[str, str]) -> None:
    terminal = Terminal(["init", "soon"], person)
    terminal.wait_for("Name [Soon]: ")
    terminal.type("")
    terminal.wait_for("[user/signed.up]: ")
    terminal.interrupt()
    assert terminal.end() == 130
    assert not paths(here)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [(EVENT, "--name is missing"), (("--name", "A"), "--event or --cron is missing")],
)
def test_without_a_terminal_what_is_missing_is_named(
    here: Path, person: dict[str, str], arguments: tuple[str, ...], missing: str
) -> None:
    said = init(person, *arguments)
    assert said.code == 1
    assert missing in said.err
    assert not paths(here)


def test_yes_takes_the_defaults(here: Path, person: dict[str, str]) -> None:
    assert init(person, "--yes").code == 0
    assert definition(here / "my-function")["triggers"][0]["event"] == "user/signed.up"
    assert "index.ts" in paths(here / "my-function")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (Flags(cron="TZ=Europe/Pariss 0 9 * * 1"), '"Europe/Pariss" is not a time zone (did you mean "Europe/Paris"?)'),
        (Flags(cron="0 9 * *"), "--cron: the cron must have five fields"),
        (Flags(event="a/b", cron="* * * * *"), "--event and --cron: one of them"),
        (Flags(event="inngest/x"), "--event: names that begin with inngest/"),
        (Flags(event="a/b", language="pyton"), 'did you mean "python"?'),
        (Flags(event="a/b", url="example.com"), "--url: the URL must be an absolute http or https URL"),
        (Flags(event="a/b", url="https://example.com", language="go"), "--url and --language"),
        (Flags(event="a/b", language="python", runtime="wasm"), "--runtime: python runs on docker, not on wasm"),
        (Flags(event="a/b", runtime="lambda"), "--runtime: "),
    ],
)
def test_a_flag_that_is_wrong_is_named(flags: Flags, told: str) -> None:
    with pytest.raises(Problem) as refused:
        decide(flags._replace(yes=True), "A")
    assert told in refused.value.message


def test_a_template_that_does_not_fit_is_refused(here: Path, person: dict[str, str]) -> None:
    said = init(person, "--name", "A", "--cron", "* * * * *", "--template", "wait-for-event")
    assert said.code == 1
    assert "needs an event" in said.err
    assert not paths(here)


def test_an_unknown_template_lists_those_that_there_are(here: Path, person: dict[str, str]) -> None:
    said = init(person, "--name", "A", *EVENT, "--template", "step")
    assert said.code == 1
    assert 'there is no template step (did you mean "steps"?)' in said.err
    for name in ("plain", "steps", "wait-for-event"):
        assert f"  {name} " in said.err


def test_nothing_is_overwritten(here: Path, person: dict[str, str]) -> None:
    (here / "a").mkdir()
    (here / "a" / "kept.txt").write_text("kept")
    (here / "b").write_text("kept")
    for name, why in (("a", "a is not empty"), ("b", "b is there already")):
        said = init(person, "--name", name, *EVENT)
        assert said.code == 1
        assert why in said.err
    assert paths(here) == {"a/kept.txt", "b"}


def test_an_empty_folder_that_is_there_is_filled(here: Path, person: dict[str, str]) -> None:
    said = init(person, ".", "--name", "Right here", *EVENT)
    assert said.code == 0, said.err
    assert definition(here)["id"] == "right-here"
    assert "cd " not in said.err


def test_a_folder_can_be_the_template(here: Path, person: dict[str, str]) -> None:
    assert init(person, "ours", "--name", "Ours", *EVENT, "--template", "steps").code == 0
    (here / "ours" / ".env").write_text("TOKEN=secret")
    said = init(person, "--name", "Another one", "--template", "ours")
    assert said.code == 0, said.err
    assert definition(here / "another-one") == {**definition(here / "ours"), "id": "another-one", "name": "Another one"}
    assert paths(here / "another-one") == paths(here / "ours") - {".env"}
    refused = init(person, "--name", "B", *EVENT, "--template", "ours")
    assert "--event: the template ours says that itself" in refused.err


def test_what_cannot_be_written_whole_is_taken_away(here: Path, person: dict[str, str]) -> None:
    with pytest.raises(Problem, match="cannot be written"):
        write_folder(here / "new", {"a": b"", "b/c": b"", "a/b": b""})
    assert not paths(here)
