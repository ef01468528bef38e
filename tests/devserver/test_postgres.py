"""The private PostgreSQL: real servers, killed for real. One data folder serves all tests of a module."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from apps.devserver import fleet, leftovers, unprivileged
from apps.devserver.faults import CannotStart
from apps.devserver.postgres import Postgres
from apps.devserver.processes import holds_within

DEADLINE_SECONDS = 30.0


@pytest.fixture(scope="module")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("server") / "postgres"
    server = Postgres(folder)
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept (value text)")
    server.stop()
    return folder


@pytest.fixture
def server(made_folder: Path) -> Iterator[Postgres]:
    server = Postgres(made_folder)
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("TRUNCATE kept")
    yield server
    server.stop()


def keep(server: Postgres, value: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def kept(server: Postgres) -> list[str]:
    with psycopg.connect(server.url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept")]


def kill(server: Postgres) -> None:
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)


def test_it_is_postgresql_18_in_utf8_with_plain_collation(server: Postgres) -> None:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('fsync'),"
            " pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == (18, "on", "UTF8", "C")


def test_a_killed_server_comes_back_with_what_was_committed(server: Postgres) -> None:
    keep(server, "before the kill")
    kill(server)
    server.start()
    assert kept(server) == ["before the kill"]


def test_a_server_that_still_runs_is_shut_down_and_its_folder_taken_over(server: Postgres) -> None:
    keep(server, "by the first")
    successor = Postgres(server.folder)
    successor.start()
    try:
        assert successor.pid != server.pid
        assert kept(successor) == ["by the first"]
    finally:
        successor.stop()


def test_a_pid_file_that_names_another_program_is_no_obstacle(server: Postgres) -> None:
    kill(server)
    assert holds_within(DEADLINE_SECONDS, lambda: not leftovers.postgres_of(server.data))
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert psutil.pid_exists(os.getpid())


def test_a_killed_postmaster_whose_backend_is_busy_is_no_obstacle(server: Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        busy = connection.info.backend_pid
        os.kill(busy, signal.SIGSTOP)  # does not see that its postmaster is gone
        kill(server)
        server.start()
    assert not psutil.pid_exists(busy)


def test_a_folder_that_was_half_made_is_made_anew(tmp_path: Path) -> None:
    partial = tmp_path / "postgres" / "data.partial"
    partial.mkdir(parents=True, mode=0o700)
    (tmp_path / "postgres").chmod(0o700)
    (partial / "PG_VERSION").write_text("18\n")
    server = Postgres(tmp_path / "postgres")
    server.start()
    server.stop()
    assert not partial.exists()


def test_data_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotStart, match="written by PostgreSQL 15; this is PostgreSQL 18"):
        Postgres(tmp_path / "postgres").start()


def test_a_setting_that_it_refuses_is_told_with_its_own_words(made_folder: Path) -> None:
    with pytest.raises(CannotStart, match=r"exit code 1.*max_connections"):
        Postgres(made_folder, settings={"max_connections": "none"}).start()


def test_only_its_user_reaches_the_socket(server: Postgres) -> None:
    sockets = Path(str(conninfo_to_dict(server.url)["host"]))
    assert sockets.stat().st_mode & 0o777 == 0o700
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_it_ends_when_its_owner_is_killed(made_folder: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent is gone")
    script = (
        "import sys, time; from pathlib import Path; from apps.devserver.postgres import Postgres;"
        "server = Postgres(Path(sys.argv[1])); server.start(); print(server.pid, flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(made_folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(fleet.PROJECT)},
    )
    with owner:
        assert owner.stdout
        assert int(owner.stdout.readline())
        owner.kill()
    assert holds_within(DEADLINE_SECONDS, lambda: not leftovers.postgres_of(made_folder / "data"))
    assert not (made_folder / "data" / "postmaster.pid").exists(), "it was not shut down but died"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that every user can pass through, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_namespaces_runs_it_as_an_unprivileged_user(open_folder: Path) -> None:
    server = Postgres(open_folder / "postgres", namespaces=False)
    server.start()
    try:
        assert psutil.Process(server.pid).uids().real != 0
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'as somebody else' AS value")
    finally:
        server.stop()
    again = Postgres(open_folder / "postgres")
    again.start()
    try:
        assert kept(again) == ["as somebody else"]
    finally:
        again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_data_that_an_unprivileged_user_could_not_reach_goes_where_it_can(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_HOMES", open_folder / "homes")
    (tmp_path / "closed").mkdir(mode=0o700)
    server = Postgres(tmp_path / "closed" / "postgres", namespaces=False)
    server.start()
    try:
        assert (tmp_path / "closed" / "postgres").is_symlink()
        assert (open_folder / "homes") in server.data.parents
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_a_program_that_an_unprivileged_user_could_not_reach_is_copied(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_HOMES", open_folder / "homes")
    installation = tmp_path / "closed" / "installation"
    installation.mkdir(parents=True)
    installation.parent.chmod(0o700)
    (installation / "program").write_text("#!/bin/sh\n")
    (installation / "program").chmod(0o755)
    identity = unprivileged.choose_identity(tmp_path, installation / "program", namespaces=False)
    copy = unprivileged.reachable_installation(installation, "program", identity)
    assert copy != installation
    assert (copy / "program").read_text() == "#!/bin/sh\n"
    assert unprivileged.reachable_installation(installation, "program", identity) == copy
