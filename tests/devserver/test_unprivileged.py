"""A virtual environment that only root can read, as under /root or from mktemp."""

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from apps.devserver import postgres, unprivileged
from apps.devserver.postgres import Postgres


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_an_installation_that_only_root_can_read_runs_from_a_copy_with_its_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = postgres._installation().parent
    closed = tmp_path / "closed"
    root = closed / package.name / postgres._installation().name
    shutil.copytree(postgres._installation(), root, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs", symlinks=True)
    closed.chmod(0o700)
    homes = Path("/var/tmp") / f"inngest-tests-{os.getpid()}"
    monkeypatch.setattr(unprivileged, "_HOMES", homes)
    monkeypatch.setattr(postgres, "_installation", lambda: root)
    server = Postgres(tmp_path / "data", namespaces=False)
    try:
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        shutil.rmtree(homes, ignore_errors=True)
