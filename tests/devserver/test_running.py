"""What is said before anything is started."""

from dataclasses import replace
from pathlib import Path

import pytest

from apps.devserver.faults import CannotStart
from apps.devserver.running import Options, run


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
