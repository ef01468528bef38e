"""A pytest plugin (`-p tests.docker_engine`): the machine's Docker engine, and an image that needs no registry.

Without an engine the tests that need one are skipped, by name; with `DOCKER_REQUIRED=1` they fail."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.docker_registry import PROGRAM, Registry, serving_images

OWNER = f"tests-{uuid.uuid4().hex[:12]}"
"""Labels every container of this session, as the environment's id does for a server's."""

BUSYBOX = Path("/bin/busybox")
_DOCKERFILE = f"""FROM scratch
LABEL inngest.tests={OWNER}
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Any]:
    """The SDK's client of the engine. What the session leaves there, by owner and label, is removed at its end."""
    from drivers.docker_engine import close_client, connect, engine_fault, host  # not for sessions that need none

    fault = engine_fault() or (None if BUSYBOX.exists() else "there is no static busybox")
    if fault is not None:
        miss(fault)
    engine = connect(host(), 120.0)
    yield engine
    for container in engine.containers(all=True, filters={"label": f"inngest.owner={OWNER}"}):
        remove(engine, container["Id"])
    for image in engine.images(filters={"label": f"inngest.tests={OWNER}"}, all=True):
        with contextlib.suppress(Exception):  # a parent goes with its last child
            engine.remove_image(image["Id"], force=True)
    engine.close()
    close_client()


@pytest.fixture(scope="session")
def busybox_image(docker_engine: Any) -> str:
    """An image with a shell and no command. What is built from it is removed at the session's end."""
    from drivers.contract import Bundle
    from drivers.docker_images import build_image

    name = f"inngest-tests-busybox:{OWNER}"
    files = {"Dockerfile": _DOCKERFILE.encode(), "busybox": BUSYBOX.read_bytes()}
    build_image(docker_engine, Bundle("busybox", files), "Dockerfile", name)
    return name


def miss(what: str) -> NoReturn:
    """End the test for what the machine lacks: skipped, or failed if it must have it."""
    if os.environ.get("DOCKER_REQUIRED") == "1":
        pytest.fail(f"DOCKER_REQUIRED=1, and {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def docker_registry(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that wants a password."""
    if shutil.which(PROGRAM) is None:
        miss("there is no docker-registry")
    with serving_images(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


def remove(engine: Any, container: str) -> None:
    with contextlib.suppress(Exception):
        engine.remove_container(container, force=True, v=True)
