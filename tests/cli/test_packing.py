"""Packing: what is found, what is left out, and that one content always makes one archive."""

import os
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from apps.cli import packing
from apps.cli.packing import LARGEST, Packed, pack
from apps.cli.problems import Problem
from apps.datastore.definition.faults import InvalidDefinition

DEFINITION = '{"id": "%s", "name": "A", "triggers": [{"event": "a/b"}]}'
SCRIPT = "export async function run() { return 1; }\n"


def function(folder: Path, slug: str = "one", script: str = SCRIPT) -> Path:
    folder.mkdir(parents=True)
    (folder / "inngest.json").write_text(DEFINITION % slug)
    (folder / "index.ts").write_text(script)
    return folder


def packed(root: Path) -> tuple[Packed, bytes]:
    archive = BytesIO()
    return pack(root, archive, lambda done, all_: None), archive.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def faults(root: Path) -> list[str]:
    with pytest.raises(InvalidDefinition) as refused:
        packed(root)
    return [f"{fault.function}/{fault.file}: {fault.path}: {fault.message}" for fault in refused.value.faults]


def test_every_function_below_the_folder_is_packed(tmp_path: Path) -> None:
    function(tmp_path / "b" / "deep", "two")
    function(tmp_path / "a", "one")
    (tmp_path / "README.md").write_text("of no function")
    what, archive = packed(tmp_path)
    assert list(members(archive)) == ["a/index.ts", "a/inngest.json", "b/deep/index.ts", "b/deep/inngest.json"]
    assert (what.functions, what.files) == (2, 4)


def test_a_folder_that_is_a_function_is_packed_without_a_prefix(tmp_path: Path) -> None:
    _, archive = packed(function(tmp_path / "a"))
    assert members(archive) == {"index.ts": SCRIPT.encode(), "inngest.json": (DEFINITION % "one").encode()}


def test_secrets_and_installed_packages_stay_here(tmp_path: Path) -> None:
    folder = function(tmp_path / "a")
    (folder / ".env").write_text("KEY=secret")
    for name in ("node_modules", ".git", "__pycache__"):
        function(folder / name, "hidden")
        function(tmp_path / name, "hidden-too")
    _, archive = packed(tmp_path)
    assert list(members(archive)) == ["a/index.ts", "a/inngest.json"]


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    for name, slugs in (("first", ("one", "two")), ("second", ("two", "one"))):
        for slug in slugs:
            function(tmp_path / name / slug, slug)
    os.utime(tmp_path / "second" / "one" / "index.ts", (1, 1))
    (tmp_path / "second" / "one" / "index.ts").chmod(0o700)
    assert packed(tmp_path / "first")[1] == packed(tmp_path / "second")[1]


def test_the_faults_of_all_functions_are_told_at_once(tmp_path: Path) -> None:
    function(tmp_path / "fine", "fine")
    for name in ("a", "b"):
        (function(tmp_path / name, name) / "inngest.json").write_text('{"id": "x", "name": 1}')
    told = faults(tmp_path)
    assert {line.split(": ")[0] for line in told} == {"a/inngest.json", "b/inngest.json"}


def test_two_folders_with_one_id_are_told_apart(tmp_path: Path) -> None:
    function(tmp_path / "a", "same")
    function(tmp_path / "b", "same")
    with pytest.raises(InvalidDefinition) as refused:
        packed(tmp_path)
    (fault,) = refused.value.faults
    assert str(fault) == f'b/inngest.json:1: $.id: "same" is also the id of {os.path.relpath(tmp_path / "a")}'


def test_a_folder_whose_name_would_steer_the_terminal_is_a_fault(tmp_path: Path) -> None:
    function(tmp_path / "a\x1b[2J")
    assert faults(tmp_path) == ['/: "a\\u001b[2J": has a name with control characters or broken Unicode']


def test_names_beyond_ascii_and_long_ones_are_kept(tmp_path: Path) -> None:
    folder = function(tmp_path / "größe")
    long = "x" * 120 + "/" + "y" * 120 + ".txt"
    (folder / long).parent.mkdir()
    (folder / long).write_text("1")
    assert f"größe/{long}" in members(packed(tmp_path)[1])


def test_the_largest_files_are_known(tmp_path: Path) -> None:
    folder = function(tmp_path / "a")
    for size in range(1, 10):
        (folder / f"{size}.txt").write_text("x" * size * 1000)
    largest = packed(tmp_path)[0].largest
    assert [file.path for file in largest] == [f"a/{size}.txt" for size in range(9, 9 - LARGEST, -1)]


def test_more_than_this_machine_should_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_ARCHIVE", 20_000)
    for name in ("a", "b", "c"):
        (function(tmp_path / name, name) / "film.bin").write_bytes(os.urandom(30_000))
    with pytest.raises(Problem, match=r"more than 19\.5 KiB, packed") as refused:
        packed(tmp_path)
    assert "29.3 KiB  a/film.bin" in refused.value.next_step


def test_progress_is_told_function_by_function(tmp_path: Path) -> None:
    for slug in ("one", "two"):
        function(tmp_path / slug, slug)
    told: list[tuple[int, int]] = []
    pack(tmp_path, BytesIO(), lambda done, all_: told.append((done, all_)))
    assert told == [(0, 2), (1, 2), (2, 2)]
