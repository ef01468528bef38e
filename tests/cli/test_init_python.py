"""The Python that `inngest init` makes runs as it is, in an image that its own Dockerfile builds."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from drivers.contract import Abort
from drivers.docker import DockerDriver
from tests.cli.python_image import python_image
from tests.cli.scaffolds import call_of, plan, written
from tests.docker_engine import OWNER

BASE = "python:3.13-slim"


@pytest.fixture
def base_image(docker_engine: Any) -> Iterator[None]:
    """What the Dockerfile begins with. An engine without it has one of this machine's Python meanwhile."""
    try:
        docker_engine.inspect_image(BASE)
        yield
        return
    except docker.errors.ImageNotFound:
        pass
    repository, _, tag = BASE.partition(":")
    changes = [f"LABEL inngest.tests={OWNER}", "ENV PATH=/usr/local/bin LD_LIBRARY_PATH=/usr/lib"]
    docker_engine.import_image_from_data(python_image(), repository=repository, tag=tag, changes=changes)
    yield
    with contextlib.suppress(docker.errors.APIError):  # what was built from it may keep its layers
        docker_engine.remove_image(BASE, force=True)


@pytest.mark.docker
def test_python_runs_as_it_is(tmp_path: Path, base_image: None) -> None:
    folder = written(tmp_path, plan("python"))
    driver = DockerDriver()
    outcome = driver.run(dataclasses.replace(call_of(folder), owner=OWNER, timeout=120.0), Abort())
    if outcome.kept is not None:
        outcome.kept()
    driver.close()
    assert outcome.ok, outcome.error
    assert json.loads(outcome.output or "") == {"status": 200, "body": {"id": "test-1"}}
    assert f"{folder.name}: order/placed, id test-1" in outcome.log
