"""`inngest deploy` builds the images of docker steps, tells how far it is, and pushes them where workers look."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.cli.packing import pack
from apps.datastore.models import FunctionVersion
from apps.datastore.versions import load_version
from apps.executor.bundles import bundle_of, read_files
from drivers.docker_images import image_name
from tests.cli.boxes import empty_image, images_of, is_there, names_of, sent, telling, write_box
from tests.cli.shops import Shop, terminal
from tests.docker_engine import OWNER
from tests.docker_registry import Registry
from tests.waiting import wait_for

docker = pytest.mark.docker
RUN = 'RUN ["/bin/sh", "-c", "{}"]'


@pytest.fixture
def shop(person: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, person)


def untimed(text: str) -> list[str]:
    return [re.sub(r"in \d+\.\d s", "in 0.0 s", line).strip() for line in text.splitlines()]


@pytest.mark.django_db
def test_workers_know_the_image_by_the_name_that_it_has_here(shop: Shop, tmp_path: Path) -> None:
    folder = write_box(shop, "mail", "scratch", steps=("one", "two"))
    (folder / "box" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "box" / ".dockerignore").write_text("*.md\n")
    for name in (".env", "notes.md", "node_modules/x.js", "deep/__pycache__/a.pyc", "deep/größe.bin"):
        (folder / "box" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "box" / name).write_bytes(name.encode() + b"\0\xff")
    whole = shop.write("pay")
    shutil.copy(folder / "box" / "Dockerfile", whole)  # the function's folder is its one step
    with (tmp_path / "archive").open("w+b") as archive:
        here = {one.label: one for one in pack(shop.folder, archive, lambda done, total: None).images}
        archive.seek(0)
        answer = APIClient().post("/v1/deploys", archive.read(), content_type="application/gzip")
    assert answer.status_code == 201, answer.content
    assert set(here) == {f"{shop.id_of('mail')}/one", f"{shop.id_of('mail')}/two", shop.id_of("pay")}
    for row in FunctionVersion.objects.all():
        version = load_version(row.pk)
        for step in version.definition.steps.values():
            there = bundle_of(version, step, read_files({(row.pk, step.id)}))
            slug = version.definition.id
            mine = here.get(f"{slug}/{step.id}") or here[slug]
            assert there is not None
            dockerfile = str(step.runtime.options["dockerfile"])
            assert image_name(there, dockerfile, "r/x") == image_name(mine.bundle, mine.dockerfile, "r/x")


@docker
def test_an_image_is_built_once_and_before_anything_is_sent(shop: Shop, docker_engine: Any, busybox_image: str) -> None:
    write_box(shop, "mail", busybox_image, steps=("one", "two"))
    (name,) = names_of(shop)
    with telling(shop) as server:
        for option in ("--dry-run", "--no-build"):
            assert shop.inngest("deploy", "shop", option).err == ""
            assert not is_there(docker_engine, name)
        assert "/v1/images" not in [asked.path for asked in server.asked]
        first = untimed(shop.plain(shop.inngest("deploy", "shop").err))
        assert is_there(docker_engine, name)
        second = untimed(shop.plain(shop.inngest("deploy", "shop").err))
        assert sent(server)[-2:] == ["/v1/deploys"] * 2
        docker_engine.remove_image(name)
        quiet = shop.inngest("deploy", "shop", "--json")
        assert is_there(docker_engine, name)
    total = len(first) - 2  # the Dockerfile's, and those that the server adds
    assert first == [
        "building mail/one",
        f"mail/one  1/{total}  FROM {busybox_image}",
        *[line for line in first[2:-1] if re.match(rf"mail/one  \d/{total}  [A-Z]+ ", line)],
        "✓ mail/one   built in 0.0 s",
    ]
    assert second == ["· mail/one   built already"]
    assert (json.loads(quiet.out)["functions"], quiet.err) == ([], "")


@docker
def test_what_a_failed_build_said_is_shown_and_nothing_is_sent(shop: Shop, busybox_image: str) -> None:
    write_box(shop, "mail", busybox_image, RUN.format("echo such luck; exit 4"))
    with telling(shop) as server:
        said = shop.inngest("deploy", "shop")
        assert sent(server) == []
    *_, error, outcome = shop.plain(said.err).splitlines()
    assert said.code == 1
    assert "  such luck" in said.err.splitlines()
    assert error.startswith("error: mail: the step's image could not be built: The command ")
    assert error.endswith("returned a non-zero code: 4")
    assert outcome == "  nothing was sent"


def test_faults_are_told_before_anything_is_built(shop: Shop) -> None:
    write_box(shop, "mail", "scratch")
    shop.write("pay", bogus=1)
    with telling(shop) as server:
        said = shop.inngest("deploy", "shop")
        assert server.asked == []
    assert (said.code, said.err.splitlines()[1:]) == (1, ["error: 1 fault; nothing was sent"])


@docker
def test_a_terminal_shows_the_step_that_is_at_work_and_then_what_was_built(shop: Shop, busybox_image: str) -> None:
    write_box(shop, "mail", busybox_image, RUN.format(f"sleep 1; echo {'x' * 200}"))
    write_box(shop, "pay", busybox_image)
    with telling(shop):
        shown = terminal(shop, "deploy", "shop")
        shown.wait_for("0 of 2 images")
        shown.wait_for("2/")
        assert re.search(rf"Building {shop.id_of('mail')} +[━╺╸]+ 2/", shown.text), shown.text
        assert all(len(line) <= 80 for line in shown.lines)
        assert shown.end() == 0
    assert untimed(shop.plain(shown.text))[:2] == ["✓ mail   built in 0.0 s", "✓ pay    built in 0.0 s"]
    assert "Building" not in shown.text
    assert shown.colour_of("✓") == "green"


@docker
def test_ctrl_c_ends_a_build_and_its_container(shop: Shop, docker_engine: Any, busybox_image: str) -> None:
    write_box(shop, "mail", busybox_image, RUN.format(f"sleep 60; echo {shop.id_of('mail')}"))
    (name,) = names_of(shop)

    def containers() -> list[Any]:
        return [one for one in docker_engine.containers(all=True) if shop.id_of("mail") in one["Command"]]

    with telling(shop) as server:
        shown = terminal(shop, "deploy", "shop")
        shown.wait_for("2/")
        wait_for(containers, "the command runs")
        shown.interrupt()
        assert shown.end() == 130
        assert sent(server) == []
    assert "Traceback" not in shown.text
    wait_for(lambda: not containers(), "the engine has stopped, too")
    assert not is_there(docker_engine, name)


def test_without_an_engine_the_workers_build(shop: Shop, tmp_path: Path) -> None:
    write_box(shop, "mail", "scratch")
    shop.env["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    with telling(shop) as server:
        said = shop.inngest("deploy", "shop")
        assert (said.code, sent(server)) == (0, ["/v1/deploys"])
    assert said.err.startswith(
        f"no image is built here: the Docker engine at unix://{tmp_path}/none.sock does not answer"
    )
    for registry, built_by_workers, left in (
        ("registry.example.com", True, "the workers build then"),
        ("", False, "the images have to be there by other means then"),
    ):
        with telling(shop, registry, built_by_workers=built_by_workers) as server:
            said = shop.inngest("deploy", "shop")
            assert (said.code, sent(server)) == (1, [])
            assert f"error: the images of {shop.id_of('mail')} cannot be built: the Docker engine at" in said.err
            assert f"deploy with --no-build ({left})" in said.err


def test_the_engine_is_the_one_of_dockers_context(shop: Shop, tmp_path: Path) -> None:
    write_box(shop, "mail", "scratch")
    shop.env.pop("DOCKER_HOST", None)
    shop.env["DOCKER_CONFIG"] = str(_context(tmp_path / "docker", f"unix://{tmp_path}/far.sock"))
    with telling(shop):
        assert f"the Docker engine at unix://{tmp_path}/far.sock does not answer" in shop.inngest("deploy", "shop").err


def _context(folder: Path, host: str) -> Path:
    """What `docker context use` leaves."""
    from docker.context.config import get_context_id

    meta = folder / "contexts" / "meta" / get_context_id("far")
    meta.mkdir(parents=True)
    (folder / "config.json").write_text('{"currentContext": "far"}')
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": endpoints}))
    return folder


@docker
def test_an_image_can_be_for_other_machines_than_this_one(shop: Shop, docker_engine: Any) -> None:
    other = "amd64" if docker_engine.version()["Arch"] != "amd64" else "arm64"
    base = f"inngest-tests-{other}:{OWNER}"
    docker_engine.load_image(empty_image(base, other, {"inngest.tests": OWNER}))
    write_box(shop, "mail", base)
    (name,) = names_of(shop)
    with telling(shop):
        shop.env["DOCKER_DEFAULT_PLATFORM"] = f"linux/{other}"
        assert "mail   built in" in shop.done("deploy", "shop")
        assert docker_engine.inspect_image(name)["Architecture"] == other
        assert "mail   built already" in shop.done("deploy", "shop")
        shop.env["DOCKER_DEFAULT_PLATFORM"] = "linux/riscv64"
        assert "building mail" in shop.plain(shop.inngest("deploy", "shop").err)


@docker
def test_an_image_goes_to_the_registry_once(
    shop: Shop, docker_engine: Any, busybox_image: str, docker_registry: Registry, tmp_path: Path
) -> None:
    write_box(shop, "mail", busybox_image)
    (name,) = names_of(shop, docker_registry.name)
    with telling(shop, docker_registry.name) as server:
        shop.env["DOCKER_CONFIG"] = str(tmp_path)
        said = shop.inngest("deploy", "shop")
        assert said.code == 1
        assert "could not be pushed: no basic auth credentials" in said.err
        assert f"docker login {docker_registry.name.partition('/')[0]}\n  nothing was sent" in said.err
        shop.env |= docker_registry.log_in(tmp_path / "docker")
        shown = terminal(shop, "deploy", "shop")
        shown.wait_for("Pushing")
        assert shown.end() == 0
        assert untimed(shop.plain(shown.text))[0] == "✓ mail   pushed in 0.0 s"
        docker_engine.remove_image(name, force=True)
        assert shop.plain(shop.inngest("deploy", "shop").err) == "  · mail   in the registry already\n"
        assert not is_there(docker_engine, name)
        assert len(sent(server)) == 2
    assert [one.label for one in images_of(shop)] == [shop.id_of("mail")]
