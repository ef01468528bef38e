"""Images that were built for steps and are used no more. The engine keeps when one was last used, for all workers that
share it: as the time of its name, which is given anew, at most once an hour, while steps run in it."""

import contextlib
import re
import time
from collections.abc import Mapping
from typing import Any

import docker
from docker.utils import parse_repository_tag

from drivers.docker_context import REPOSITORY
from drivers.docker_engine import answering, client
from drivers.docker_images import LABEL
from drivers.docker_results import seconds_of
from drivers.settings import current

HOUR, DAY = 3_600.0, 86_400.0
REMOVED_MOST = 20
"""At once: large ones take seconds each."""

_BUILT = re.compile(rf"(?:.*/)?{REPOSITORY}:[0-9a-f]+")


def mark_used(engine: docker.APIClient, name: str, found: Mapping[str, Any]) -> None:
    """Let this image, as `inspect_image` has found it, stay. Raises EngineAway."""
    if _BUILT.fullmatch(name) and time.time() - _last_used(found) > HOUR:
        with contextlib.suppress(docker.errors.APIError), answering():  # it has just gone
            engine.tag(found["Id"], *parse_repository_tag(name))


def remove_unused_images() -> None:
    """Remove those that no container needs and that were not used for DOCKER_IMAGE_DAYS. Who needs one again builds or
    pulls it. Nothing else is touched. Raises EngineAway."""
    engine, oldest = client(), time.time() - current().docker.image_days * DAY
    with answering():
        rows = engine.images(filters={"label": [f"{key}={value}" for key, value in LABEL.items()]})
    names = [name for row in rows if row["Created"] < oldest for name in row["RepoTags"] or ()]
    removed = 0
    for name in filter(_BUILT.fullmatch, names):
        with contextlib.suppress(docker.errors.APIError), answering():  # a container has it, or someone else removes it
            if _last_used(engine.inspect_image(name)) < oldest:
                engine.remove_image(name)
                removed += 1
        if removed == REMOVED_MOST:
            return


def _last_used(found: Mapping[str, Any]) -> float:
    """Unix seconds, by the engine's clock."""
    tagged = (found.get("Metadata") or {}).get("LastTagTime")
    return max(seconds_of(found["Created"]), seconds_of(tagged) if tagged else 0.0)
