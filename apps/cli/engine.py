"""The Docker engine of this machine: the one that `docker` would talk to."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # docker takes 200 ms to import
    import docker


def local_engine() -> "docker.APIClient | str":
    """A client of the engine that DOCKER_HOST, or docker's current context, names; or why it does not answer."""
    from drivers.docker_engine import EngineAway, client, engine_fault
    from drivers.settings import DockerSettings, DriverSettings, configure

    configure(DriverSettings(docker=DockerSettings(host=os.environ.get("DOCKER_HOST") or _of_context())))
    fault = engine_fault()
    if fault is not None:
        return fault
    try:
        return client()
    except EngineAway as away:
        return str(away)


def _of_context() -> str:
    """Docker Desktop and its likes listen elsewhere than an engine of the system does, and say so in a context."""
    from docker.context import ContextAPI

    try:
        found: dict[str, Any] = ContextAPI.kwargs_from_context()
    except Exception:  # whatever is wrong with the files of another program, the default is left
        return ""
    return str(found.get("base_url") or "")
