"""`inngest deploy` builds the modules of wasm steps where they are out of date."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.boxes import sent, telling
from tests.cli.shops import Shop

MODULE = b"\0asm\1\0\0\0\1\4\1`\0\0\3\2\1\0\7\n\1\6_start\0\0\n\4\1\2\0\v"
BUILD = "echo built >> ../log; cp ../ready main.wasm"


@pytest.fixture
def shop(person: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, person)


def write(shop: Shop, name: str, build: str = BUILD, module: bytes = MODULE, **more: Any) -> Path:
    """A function whose step's compiler is `cp`."""
    runtime = {"type": "wasm", "build": build}
    step = {"id": "add", "path": "file://./add", "runtime": runtime}
    folder = shop.write(name, steps={"add": step}, **more)
    (folder / "add").mkdir()
    (folder / "add" / "main.c").write_text("int main() {}")
    (folder / "ready").write_bytes(module)
    return folder


def test_a_module_is_built_if_it_is_missing_or_old(shop: Shop) -> None:
    folder = write(shop, "sum")
    module, log = folder / "add" / "main.wasm", folder / "log"
    with telling(shop) as server:
        for option in ("--no-build", "--dry-run"):
            said = shop.inngest("deploy", "shop", option)
            assert (said.code, log.exists()) == (1, False)
            assert "there is no *.wasm in" in said.err
            assert BUILD in said.err
        assert "a deploy builds the module of shop/sum, step add, first" in said.err
        for _ in range(2):
            assert shop.inngest("deploy", "shop").code == 0
            assert log.read_text() == "built\n"
        later = module.stat().st_mtime_ns + 1_000_000_000
        os.utime(folder / "add" / "main.c", ns=(later, later))
        module.write_bytes(b"half a module")
        os.utime(module, ns=(later - 1, later - 1))
        assert shop.inngest("deploy", "shop").code == 0
        assert log.read_text() == "built\n" * 2
        assert sent(server) == ["/v1/deploys"] * 3


def test_what_a_failed_build_said_is_shown_and_nothing_is_sent(shop: Shop) -> None:
    write(shop, "sum", "echo no such compiler; exit 3")
    with telling(shop) as server:
        said = shop.inngest("deploy", "shop")
        assert (said.code, server.asked) == (1, [])
    assert "  no such compiler" in said.err.splitlines()
    assert "error: building step add failed (exit code 3)" in said.err


def test_what_was_built_is_checked_like_all_else(shop: Shop) -> None:
    write(shop, "sum", module=b"no module")
    with telling(shop) as server:
        said = shop.inngest("deploy", "shop")
        assert (said.code, server.asked) == (1, [])
    assert said.err.splitlines()[1].startswith("shop/sum/add/main.wasm: cannot run: ")


def test_faults_of_any_function_are_told_before_a_module_is_built(shop: Shop) -> None:
    folder = write(shop, "sum", bogus=1)
    shop.write("mail", script="export async function run() {\n  return (;\n}\n")
    said = shop.inngest("deploy", "shop")
    assert said.code == 1
    assert [line.partition(": ")[0].rpartition(":")[0] for line in said.err.splitlines()] == [
        "shop/mail/index.ts",
        "shop/sum/inngest.json",
        "",
    ]
    assert not (folder / "log").exists()
