"""The whole path of a person with an empty folder: `init`, `run`, `deploy`, `events send`, and the run on the server
has completed, with what the new function returns as it is; by the installed command, in each language that can be
built here.

The server is in production mode and shared by all. Changed in what `init` makes is only what no machine without a
registry has: the images that a Dockerfile begins with.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.acceptance.production import ProductionServer
from tests.cli.python_image import python_image
from tests.cli.scaffolds import shell
from tests.cli.terminal import Said, environment, run
from tests.cli.toolchains import CACHE, go, rust, rust_build_line
from tests.docker_engine import OWNER
from tests.waiting import wait_for

__all__ = ["go", "rust"]
pytestmark = pytest.mark.timeout(240)

INSTALLED = str(Path(sys.executable).parent / "inngest")
KEPT = CACHE / "whole-path"
"""What the command and the server's worker have compiled, and an empty database, from one session to the next."""
SECONDS = 120.0
"""The first `run` makes a database to copy from; a compiler may be new here, too."""
RETURNED = {"status": 200, "body": {"id": "test-1"}}
"""By every scaffold for its own event."""
BY_HTTP = {"step": "step-1", "call": 1}
"""By the app behind the URL."""
Prepare = Callable[[Path], object]


class Done(NamedTuple):
    """What the four commands have said."""

    init: Said
    run: Said
    deploy: Said
    send: Said


class Person:
    """With an empty folder, and a login to the server."""

    def __init__(self, home: Path, env: Mapping[str, str], server: ProductionServer) -> None:
        self.home = home
        self.env = dict(env)
        self._server = server

    def inngest(self, *arguments: str, cwd: Path) -> Said:
        """Must end well."""
        said = run(arguments, self.env, cwd=cwd, seconds=SECONDS, command=[INSTALLED])
        assert said.code == 0, f"{arguments}: {said.out}\n{said.err}"
        return said

    def go_the_whole_path(self, language: str, *options: str, prepare: Prepare = lambda folder: None) -> Done:
        """With a function named for the language. `prepare` gets its folder once it is there."""
        assert list(self.home.iterdir()) == []
        made = self.inngest(
            "init", "--name", f"Mail by {language}", "--event", f"order/{language}", *options, cwd=self.home
        )
        (folder,) = self.home.iterdir()
        prepare(folder)
        ran = self.inngest("run", "--event-file", "event.json", cwd=folder)
        for module in folder.glob("*.wasm"):
            module.unlink()  # as in a clone: .gitignore has it
        deployed = self.inngest("deploy", cwd=folder)
        return Done(made, ran, deployed, self.inngest("events", "send", "--file", "event.json", cwd=folder))

    def completed(self, done: Done) -> dict[str, Any]:
        """The run that the event has started, as `inngest runs` lists it, once it has completed."""
        event = done.send.out.strip()
        runs = f"/v1/events/{event}/runs"

        def ended() -> bool:
            return [one["ended_at"] is not None for one in self._server.ask(runs)] == [True]

        wait_for(ended, f"the run has ended: {self._server.ask(runs)}", 60)
        rows = json.loads(self.inngest("runs", "--json", "--limit", "1", cwd=self.home).out)
        assert [row["event_id"] for row in rows] == [event]
        (row,) = rows
        assert isinstance(row, dict)
        return row


@pytest.fixture(scope="module")
def standing_server() -> Iterator[ProductionServer]:
    server = ProductionServer({"INNGEST_CACHE_DIR": str(KEPT)})
    try:
        server.start()
        server.wait_working(server.fleet.worker("steps", "steps,steps.cpu,steps.docker", threads=4))
        yield server
    finally:
        server.close()


@pytest.fixture
def person(server: ProductionServer, tmp_path: Path) -> Person:
    home = tmp_path / "home"
    home.mkdir()
    names = {
        "INNGEST_API_URL": server.url,
        "INNGEST_API_TOKEN": server.token,
        "INNGEST_EVENT_KEY": server.event_key,
        "INNGEST_CACHE_DIR": str(KEPT),
    }
    env = environment(tmp_path, names)
    del env["PYTHONPATH"]  # what is installed finds itself
    return Person(home, env, server)


@pytest.fixture(scope="module")
def python_base(docker_engine: Any) -> str:
    """In place of `python:3.13-slim`; under a name of its own, since other tests put one there, too, and take it away.
    The session's end removes it."""
    repository = "inngest-tests-python"
    changes = [f"LABEL inngest.tests={OWNER}", "ENV PATH=/usr/local/bin LD_LIBRARY_PATH=/usr/lib"]
    docker_engine.import_image_from_data(python_image(), repository=repository, tag=OWNER, changes=changes)
    return f"{repository}:{OWNER}"


def assert_shown(person: Person, done: Done, slug: str, output: Mapping[str, object]) -> None:
    """What a person needs, from each command, and the same output here and there."""
    assert f" in {slug}\n" in done.init.out
    assert [line.strip() for line in done.init.err.splitlines()] == [
        "Next:",
        f"cd {slug}",
        "inngest run --event-file event.json",
        "inngest dev",
        "inngest deploy",
    ]
    (step,) = [line for line in done.run.out.splitlines() if "✓" in line]
    assert "step-1" in step
    assert json.loads(step[step.index("{") :]) == output
    assert "completed in" in done.run.out
    assert [line.split()[:3] for line in done.deploy.out.splitlines() if slug in line] == [["+", slug, "v1"]]
    assert "is live in" in done.deploy.out
    assert "Undo it: inngest rollback --deploy " in done.deploy.err
    assert done.send.err.startswith("1 event accepted by http://127.0.0.1:")
    row = person.completed(done)
    assert (row["function_id"], row["status"], row["output"]) == (slug, "Completed", output)
    info = person.inngest("run-info", row["run_id"], cwd=person.home).out
    assert info.startswith(f"Run {row['run_id']}  ✓ Completed\n")
    assert f"{slug} (version 1)" in info
    shown = [line.strip() for line in info.splitlines()]
    of_both = [json.loads(line.removeprefix("output")) for line in shown if line.startswith("output")]
    assert of_both == [output] * 2  # the run's, and its step's
    if output is not BY_HTTP:  # whose logs are behind the URL
        logged = f"{slug}: {slug.replace('mail-by-', 'order/')}, id test-1"
        assert f"│ {logged}\n" in done.run.out
        assert f"log    {logged}" in shown


def test_typescript(person: Person) -> None:
    done = person.go_the_whole_path("typescript", "--language", "typescript")
    assert_shown(person, done, "mail-by-typescript", RETURNED)


@pytest.mark.docker
def test_python(person: Person, python_base: str) -> None:
    def stand_in(folder: Path) -> None:
        dockerfile = folder / "Dockerfile"
        first, _, rest = dockerfile.read_text().partition("\n")
        assert first.startswith("FROM python:")
        dockerfile.write_text(f"FROM {python_base}\n{rest}")

    done = person.go_the_whole_path("python", "--language", "python", prepare=stand_in)
    # By `run`: what an image is made from is its name, here and on the server.
    assert "mail-by-python   built already" in done.deploy.err
    assert_shown(person, done, "mail-by-python", RETURNED)


def test_go(person: Person, go: dict[str, str]) -> None:
    person.env |= {name: value for name, value in go.items() if name.startswith("GO") or name == "PATH"}
    done = person.go_the_whole_path("go", "--language", "go")
    built = "building step-1: GOOS=wasip1 GOARCH=wasm go build -o main.wasm .\n"
    assert (done.run.err, done.deploy.err.startswith(built)) == (built, True)
    assert_shown(person, done, "mail-by-go", RETURNED)


@pytest.mark.docker
def test_rust(person: Person, rust: dict[str, str], docker_engine: Any) -> None:
    """An image with a Rust in it is too large to be made for a test: the line that its first stage runs is run here,
    and the second stage, which is the function's own image, takes the program from the folder."""

    def stand_in(folder: Path) -> None:
        dockerfile, program = folder / "Dockerfile", folder / "main"
        shell(rust_build_line(dockerfile, program), folder, rust)
        _, found, second = dockerfile.read_text().partition("\nFROM scratch\n")
        assert found
        second = second.replace("COPY --from=build /main /main", "COPY main /main")
        dockerfile.write_text(f"FROM scratch\nLABEL inngest.tests={OWNER}\n{second}")

    done = person.go_the_whole_path("rust", "--language", "rust", prepare=stand_in)
    assert "mail-by-rust   built already" in done.deploy.err
    assert_shown(person, done, "mail-by-rust", RETURNED)


def test_a_url(person: Person, server: ProductionServer) -> None:
    done = person.go_the_whole_path("http", "--url", server.app.url)
    assert_shown(person, done, "mail-by-http", BY_HTTP)
