import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

from drivers import compiled_wasm
from drivers.cache_folder import private_folder
from tests.ordinary_user import as_ordinary_user, full_disk

WASM = wasmtime.wat2wasm('(module (func (export "seven") (result i32) i32.const 7))')


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("INNGEST_CACHE_DIR", str(tmp_path / "cache"))
    private_folder.cache_clear()
    yield tmp_path / "cache" / "wasm"
    private_folder.cache_clear()


def seven(settings: str = "plain") -> int:
    engine = wasmtime.Engine()
    module = compiled_wasm.load(engine, "seven", bytes(WASM), settings)
    store = wasmtime.Store(engine)
    function = wasmtime.Instance(store, module, []).exports(store)["seven"]
    assert isinstance(function, wasmtime.Func)
    return int(function(store))


def kept(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.cwasm"))


def test_code_is_kept_for_other_processes_and_for_nobody_else(cache: Path) -> None:
    assert seven() == 7
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    (file,) = kept(cache)
    before = file.stat()
    assert seven() == 7
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_mode & 0o077 == 0


def test_each_configuration_has_code_of_its_own(cache: Path) -> None:
    assert seven("one") == seven("two") == 7
    assert len(kept(cache)) == 2


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 5000])
def test_damaged_code_is_not_run_but_made_again(cache: Path, damage: bytes) -> None:
    seven()
    (file,) = kept(cache)
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert seven() == 7
    assert len(file.read_bytes()) == len(whole)


def test_a_folder_that_others_could_write_to_is_closed(cache: Path) -> None:
    cache.mkdir(parents=True, mode=0o777)
    cache.chmod(0o777)
    assert seven() == 7
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_a_link_is_not_trusted_and_code_is_compiled_anew(cache: Path, tmp_path: Path) -> None:
    cache.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    cache.symlink_to(tmp_path / "elsewhere")
    assert seven() == 7
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_without_a_folder_it_compiles_and_works(cache: Path) -> None:
    cache.parent.write_text("a file in the way")
    assert seven() == 7


def test_a_folder_that_cannot_be_written_is_read_all_the_same(cache: Path) -> None:
    seven()
    cache.chmod(0o500)
    before = kept(cache)
    assert as_ordinary_user(seven) == 7
    assert as_ordinary_user(lambda: seven("other")) == 7
    assert kept(cache) == before
    cache.chmod(0o700)


def test_a_full_disk_costs_the_compiling_and_leaves_no_crumbs(cache: Path) -> None:
    with full_disk():
        assert seven() == 7
    assert {file.suffix for file in cache.iterdir()} <= {".lock"}


def test_a_folder_that_was_emptied_meanwhile_does_no_harm(cache: Path) -> None:
    seven()
    for file in cache.iterdir():
        file.unlink()
    cache.rmdir()
    assert seven() == 7
