import os
import tempfile
from pathlib import Path

import pytest

from apps.devserver.faults import CannotStart
from apps.devserver.sockets import private_folder


def test_a_socket_lies_beside_its_data(tmp_path: Path) -> None:
    folder = private_folder(tmp_path, "a.sock")
    assert folder == tmp_path / "run"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_path_too_long_for_a_socket_gets_a_short_folder_of_its_own(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    other = tmp_path / ("y" * 100)
    other.mkdir()
    folder = private_folder(deep, "a.sock")
    try:
        assert len(os.fsencode(folder / "a.sock")) < 104
        assert folder.stat().st_mode & 0o777 == 0o700
        assert private_folder(deep, "a.sock") == folder
        assert not private_folder(other, "a.sock").samefile(folder)
    finally:
        folder.rmdir()
        private_folder(other, "a.sock").rmdir()


def test_a_folder_that_somebody_else_laid_there_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(short))
        place = private_folder(deep, "a.sock")
        place.rmdir()
        place.symlink_to(tmp_path)
        with pytest.raises(CannotStart, match="belongs to somebody else"):
            private_folder(deep, "a.sock")
        place.unlink()
    finally:
        short.rmdir()
