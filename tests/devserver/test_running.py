"""What is said before anything is started, and what of the shell's is left out."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from apps.devserver.faults import CannotStart
from apps.devserver.postgres import forget_variables
from apps.devserver.running import Options, run
from apps.devserver.throwaway import engine_environment


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(functions=tmp_path, data=tmp_path / "data")


def test_a_folder_that_is_not_there_is_named(options: Options, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=rf"There is no folder {tmp_path}/none; give one with functions\."):
        run(replace(options, functions=tmp_path / "none"))


@pytest.mark.parametrize("port", [0, 65_536])
def test_what_is_no_port_is_said(options: Options, port: int) -> None:
    for wrong in (replace(options, port=port), replace(options, app_port=port)):
        with pytest.raises(CannotStart, match=f"{port} is not a port"):
            run(wrong)


def test_one_port_is_not_for_two(options: Options) -> None:
    with pytest.raises(CannotStart, match="each needs a port of its own"):
        run(replace(options, port=8290))


def test_an_address_of_another_machine_is_said_and_nothing_is_left(options: Options) -> None:
    with pytest.raises(CannotStart, match="no address of this machine"):
        run(replace(options, host="192.0.2.7"))
    assert not (options.data / "run").exists()


def test_variables_that_lead_to_other_servers_do_not_reach_one_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ("PGSERVICE", "PGPORT", "CELERY_BROKER_URL", "CELERY_LOADER", "DATABASE_URL")
    for name in (*theirs, "MINE", "DOCKER_MEMORY_BYTES"):
        monkeypatch.setenv(name, "1")
    environment = engine_environment()
    assert {name: environment.get(name) for name in theirs} == {**dict.fromkeys(theirs), "DATABASE_URL": NOWHERE}
    assert (environment["MINE"], environment["DOCKER_MEMORY_BYTES"]) == ("1", "1")
    forget_variables()
    assert not [name for name in os.environ if name.startswith("PG")]


def test_the_broker_is_the_settings_whatever_the_shell_has_for_another_celery() -> None:
    theirs = {"CELERY_BROKER_URL": "redis://theirs", "CELERY_BROKER_READ_URL": "redis://theirs"}
    ours = {"INNGEST_DEV": "1", "DATABASE_URL": NOWHERE, "BROKER_URL": "redis://ours"}
    code = "from inngest_server import celery_app as app; print(app.conf.broker_url, app.conf.broker_read_url)"
    said = subprocess.check_output([sys.executable, "-c", code], env={**os.environ, **theirs, **ours}, text=True)
    assert said.split() == ["redis://ours", "redis://ours"]


NOWHERE = "postgresql://nowhere"
