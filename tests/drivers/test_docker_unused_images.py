"""Images that were built for steps and that no step uses any more."""

from typing import Any

import pytest

from drivers.contract import Abort
from drivers.docker_image_store import ImageStore
from drivers.docker_unused_images import remove_unused_images
from drivers.settings import DockerSettings
from tests.drivers.old_images import load_old_image
from tests.drivers.subjects.docker import docker_call

pytestmark = pytest.mark.docker


def test_what_was_not_used_for_long_is_removed_and_nothing_else(docker_engine: Any) -> None:
    unused = load_old_image(docker_engine)
    from_registry = load_old_image(docker_engine, "registry.example.com/team/inngest-step")
    others = load_old_image(docker_engine, "someone/elses")
    unlabelled = load_old_image(docker_engine, labels={})
    needed = load_old_image(docker_engine)
    container = docker_engine.create_container(needed)["Id"]
    try:
        remove_unused_images()
        left = {name: bool(docker_engine.images(name)) for name in (unused, from_registry, others, unlabelled, needed)}
    finally:
        docker_engine.remove_container(container)
    assert left == {unused: False, from_registry: False, others: True, unlabelled: True, needed: True}


def test_what_a_worker_used_lately_stays(docker_engine: Any) -> None:
    unused, name = load_old_image(docker_engine), load_old_image(docker_engine)
    # Other tests' workers look at this engine, too: until it is used, a container keeps it.
    container = docker_engine.create_container(name)["Id"]
    ImageStore().ensure(docker_engine, docker_call({"image": name}), DockerSettings(), Abort())
    docker_engine.remove_container(container)
    remove_unused_images()
    assert docker_engine.images(name)
    assert not docker_engine.images(unused)
