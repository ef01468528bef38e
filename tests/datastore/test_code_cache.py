"""Code comes from memory, else from disk, else from the database, and is what its digest says wherever it lay."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.datastore import code_cache
from apps.datastore.blobs import store_blobs
from apps.datastore.code_cache import read_code
from apps.datastore.manifest import FileEntry, manifest_of
from drivers.cache_folder import private_folder
from tests.ordinary_user import full_disk
from tests.state.counting import statements
from tests.state.items import execute

pytestmark = pytest.mark.django_db

FILES = {
    "index.ts": b"export const run = () => 1;",
    "a.bin": b"\0\xff" * 3_000,
    "empty": b"",
    "copy.ts": b"x",
    "x": b"x",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder on disk, and nothing in memory."""
    monkeypatch.setenv("INNGEST_CACHE_DIR", str(tmp_path))
    start_anew()
    yield tmp_path / "code"
    start_anew()


def start_anew() -> None:
    """As another process of this machine would."""
    private_folder.cache_clear()
    code_cache._files.cache_clear()
    code_cache._memory.clear()


@pytest.fixture
def entries() -> list[FileEntry]:
    manifest = manifest_of(FILES)
    store_blobs({manifest[path].digest: content for path, content in FILES.items()})
    return list(manifest.values())


def by_digest(entries: list[FileEntry]) -> dict[str, bytes]:
    return {
        entry.digest: content for entry, content in zip(entries, (FILES[path] for path in sorted(FILES)), strict=True)
    }


def test_the_database_is_asked_once_for_all_then_the_disk_then_neither(entries: list[FileEntry], folder: Path) -> None:
    with statements() as seen:
        assert read_code(entries) == by_digest(entries)
    assert len(seen) == 1
    with statements() as seen:
        start_anew()
        assert read_code(entries) == by_digest(entries)
        for path in folder.rglob("*"):
            if path.is_file():
                path.unlink()
        assert read_code(entries) == by_digest(entries)
        assert read_code([]) == {}
    assert seen == []


def test_only_what_is_missing_is_asked_for(entries: list[FileEntry]) -> None:
    read_code(entries[:2])
    with statements() as seen:
        assert read_code(entries) == by_digest(entries)
        assert read_code(entries) == by_digest(entries)
    assert len(seen) == 1


def test_what_is_nowhere_is_not_in_the_answer_and_its_neighbours_are(entries: list[FileEntry]) -> None:
    nowhere = FileEntry("0" * 64, 1)
    assert read_code([nowhere, *entries]) == by_digest(entries)


def test_a_blob_that_is_not_what_its_digest_says_counts_as_missing(entries: list[FileEntry]) -> None:
    bad = manifest_of(FILES)["index.ts"]
    execute("UPDATE datastore_blob SET content = 'other' WHERE digest = %s", (bad.digest,))
    found = read_code(entries)
    assert bad.digest not in found
    assert len(found) == len(set(entries)) - 1


def flip_bits(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()) or b"x")


def put_folders(folder: Path) -> None:
    for path in list(folder.rglob("*")):
        if path.is_file():
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize("harm", [flip_bits, put_folders])
def test_what_the_disk_has_spoilt_is_fetched_again_and_put_right(
    entries: list[FileEntry], folder: Path, harm: Callable[[Path], None]
) -> None:
    read_code(entries)
    harm(folder)
    start_anew()
    with statements() as seen:
        assert read_code(entries) == by_digest(entries)
    assert len(seen) == 1
    start_anew()
    with statements() as seen:
        assert read_code(entries) == by_digest(entries)
    assert seen == []


def test_what_memory_keeps_is_bounded_by_bytes(entries: list[FileEntry], settings: Any) -> None:
    settings.CODE_MEMORY_MAX_BYTES = 2_000
    assert read_code(entries) == by_digest(entries)
    assert manifest_of(FILES)["a.bin"].digest not in code_cache._memory
    assert manifest_of(FILES)["index.ts"].digest in code_cache._memory
    settings.CODE_MEMORY_MAX_BYTES = 1
    start_anew()
    assert read_code(entries) == by_digest(entries)
    assert len(code_cache._memory) == 0


def test_without_a_folder_code_comes_from_the_database(
    entries: list[FileEntry], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file in the way")
    private_folder.cache_clear()
    for _ in range(3):
        code_cache._memory.clear()
        with statements() as seen:
            assert read_code(entries) == by_digest(entries)
        assert len(seen) == 1
    assert len(caplog.messages) == 1


def test_with_a_full_disk_code_comes_from_the_database(
    entries: list[FileEntry], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk():
        for _ in range(3):
            code_cache._memory.clear()
            with statements() as seen:
                assert read_code(entries) == by_digest(entries)
            assert len(seen) == 1
    assert len(caplog.messages) == 1


def test_what_the_disk_keeps_is_bounded_by_the_setting(settings: Any, folder: Path) -> None:
    settings.CODE_CACHE_MAX_BYTES = 64 * 4096
    contents = {f"{number}.ts": f"{number}".encode() for number in range(200)}
    manifest = manifest_of(contents)
    store_blobs({manifest[path].digest: content for path, content in contents.items()})
    assert len(read_code(list(manifest.values()))) == 200
    assert 40 <= len([path for path in folder.rglob("*") if path.is_file()]) <= 64
