import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.devserver import fleet
from apps.devserver.datafolder import locked, secret_key
from apps.devserver.faults import CannotStart

HOLD = """
import sys, time
from pathlib import Path
from apps.devserver.datafolder import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


def test_a_folder_in_use_is_refused_with_the_process_that_has_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(fleet.PROJECT)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"locked\n"
        told = rf"in use by another development server \(process {holder.pid}\)"
        with pytest.raises(CannotStart, match=told), locked(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with locked(tmp_path) as folder:
        assert folder == tmp_path


def test_a_folder_that_cannot_be_made_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot be used: Not a directory"), locked(tmp_path / "file" / "data"):
        pass


def test_git_does_not_see_the_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0
