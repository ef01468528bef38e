"""Images: build, push and pull one, telling how far it has got. For workers, and for `inngest deploy`."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import docker
from docker.utils import parse_repository_tag

from drivers.contract import KIB, Bundle
from drivers.docker_context import build_context, has_dockerfile, image_name
from drivers.docker_engine import answering, explanation
from drivers.docker_image_fault import ImageFault
from drivers.settings import DockerSettings
from drivers.shown_text import one_line

__all__ = ["ImageFault", "Progress", "auth_for", "build_image", "image_name", "pull_image", "push_image"]

Auth = Mapping[str, str]
"""``username`` and ``password``. Without one, what ``docker login`` has left holds."""

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
LABEL = {"inngest.image": "step"}
"""What tells the images that were built for steps from an engine's others."""

_LOG_LINES, _LOG_BYTES, _LINE_CHARS, _MESSAGE_LINES = 200, 64 * KIB, 500, 5
_BUILD_CPU_SHARES = 512
"""Half of what a container has: builds make way where CPUs are short."""

_MISSING = re.compile(r"not found|manifest unknown|does not exist|no such image|unknown manifest", re.IGNORECASE)


@dataclass(frozen=True)
class Progress:
    """How far a build, push or pull has got. ``total`` is 0 where nobody knows."""

    text: str
    current: int = 0
    total: int = 0


OnProgress = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """For those who do not watch."""


def auth_for(name: str, settings: DockerSettings) -> Auth | None:
    """The settings' user and password, if the image lies in the settings' registry."""
    registry = settings.registry.split("/", 1)[0]
    if not settings.registry_username or not registry or not name.startswith(f"{registry}/"):
        return None
    return {"username": settings.registry_username, "password": settings.registry_password}


def build_image(
    client: docker.APIClient,
    bundle: Bundle,
    dockerfile: str,
    name: str,
    on_progress: OnProgress = ignore,
    *,
    platform: str | None = None,
    memory_bytes: int | None = None,
    network: str = "default",
) -> None:
    """Build the step's folder and give the image this name. Raises ImageFault, EngineAway.

    ``platform``, as in ``linux/amd64``, is the engine's own if it is None. ``memory_bytes``, without swap, bound each
    command of the Dockerfile; ``network`` is what they reach, as in ``none``.
    """
    if not has_dockerfile(bundle, dockerfile):
        message = f"there is no {dockerfile!r} in the step's folder to build its image from"
        raise ImageFault("NoDockerfile", message, retryable=False)
    _reload_logins(client)
    lines: list[str] = []
    on_progress(Progress("Sending the step's folder"))
    with _engine("ImageBuildFailed", "the step's image could not be built", lines):
        events = client.build(
            fileobj=build_context(bundle, dockerfile),
            custom_context=True,
            dockerfile=dockerfile,
            tag=name,
            rm=True,
            forcerm=True,
            decode=True,
            labels=LABEL,
            platform=platform,
            container_limits=_limits(memory_bytes),
            network_mode=None if network == "default" else network,
        )
        for event in _accepted(events):
            for line in str(event.get("stream", "")).splitlines():
                _keep(lines, line)
                if step := _STEP.match(line):
                    on_progress(Progress(one_line(step[3]), int(step[1]), int(step[2])))
    on_progress(Progress("Built"))


def pull_image(client: docker.APIClient, name: str, auth: Auth | None = None, on_progress: OnProgress = ignore) -> None:
    """Fetch it from its registry. Raises ImageFault (for good, if the registry has no such image), EngineAway."""
    _reload_logins(client)
    lines: list[str] = []
    with _engine("ImagePullFailed", f"the image {name!r} could not be pulled", lines):
        events = client.pull(name, stream=True, decode=True, auth_config=dict(auth) if auth else None)
        _watch(events, lines, on_progress)


def push_image(client: docker.APIClient, name: str, auth: Auth | None = None, on_progress: OnProgress = ignore) -> None:
    """Store it in its registry. Raises ImageFault, EngineAway."""
    _reload_logins(client)
    lines: list[str] = []
    repository, tag = parse_repository_tag(name)
    with _engine("ImagePushFailed", f"the image {name!r} could not be pushed", lines):
        events = client.push(repository, tag, stream=True, decode=True, auth_config=dict(auth) if auth else None)
        _watch(events, lines, on_progress)


def _watch(events: Iterable[Any], lines: list[str], on_progress: OnProgress) -> None:
    """Layers come side by side, each with its own numbers: told are the sums."""
    done: dict[str, tuple[int, int]] = {}
    for event in _accepted(events):
        status = str(event.get("status", ""))
        detail = event.get("progressDetail") or {}
        if "total" in detail:
            done[f"{event.get('id')} {status}"] = (int(detail.get("current", 0)), int(detail["total"]))
        elif status:
            _keep(lines, f"{event['id']}: {status}" if "id" in event else status)
        on_progress(Progress(status, sum(now for now, _ in done.values()), sum(all_ for _, all_ in done.values())))


class _Refused(Exception):
    pass


def _accepted(events: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """The events, and then what was wrong, if anything: the SDK closes only connections that are read to their end."""
    fault = None
    for event in events:
        if "error" in event:
            fault = fault or _Refused(str(event["error"]))
        else:
            yield event
    if fault is not None:
        raise fault


@contextlib.contextmanager
def _engine(name: str, what: str, lines: list[str]) -> Iterator[None]:
    try:
        with answering():
            try:
                yield
            except docker.errors.APIError as fault:  # also 500s: it is how the engine passes on a registry's refusal
                raise _Refused(explanation(fault)) from fault
    except _Refused as fault:
        said = str(fault)
        last = "\n".join(lines[-_MESSAGE_LINES:])
        message = f"{what}: {one_line(said)}" + (f"\n{last}" if name == "ImageBuildFailed" and last else "")
        missing = name == "ImagePullFailed" and _MISSING.search(said) is not None
        log = "\n".join([*lines, one_line(said)])
        found = ImageFault("ImageNotFound" if missing else name, message, retryable=not missing, log=log)
        raise found.within(_LOG_BYTES) from fault


def _limits(memory_bytes: int | None) -> dict[str, int]:
    # The engine's builder takes no limit of processes; they count as memory.
    memory = {} if memory_bytes is None else {"memory": memory_bytes, "memswap": memory_bytes}
    return memory | {"cpushares": _BUILD_CPU_SHARES}


def _keep(lines: list[str], line: str) -> None:
    if line.strip():
        lines.append(line.rstrip() if len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]}…")
        del lines[:-_LOG_LINES]


def _reload_logins(client: docker.APIClient) -> None:
    # Who logs in now need not start workers anew. An unreadable file is as good as none: the registry will say no.
    with contextlib.suppress(docker.errors.DockerException, ValueError, OSError):
        client.reload_config()
