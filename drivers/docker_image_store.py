"""Which image a step runs in, made sure to be on the engine: there already, pulled, or built from the step's folder."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import docker

from drivers.contract import Abort, Bundle, Call
from drivers.cutoff import Cutoff
from drivers.docker_engine import answering
from drivers.docker_image_work import ImageWork, Unwanted, too_late
from drivers.docker_images import ImageFault, auth_for, build_image, image_name, pull_image
from drivers.docker_unused_images import mark_used
from drivers.settings import DockerSettings

_KNOWN_SECONDS = 60.0
_MOST_KNOWN = 1_000


@dataclass(frozen=True)
class Image:
    """An image on the engine. Containers are made by its id, which fits what is said here whatever its name means by
    then."""

    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    volumes: tuple[str, ...]


class Stopped(Exception):
    """The call was aborted while it waited for an image."""


class ImageStore:
    """One for a driver. An image that several calls wait for is pulled or built once, by a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Image, float]] = {}
        self._names: dict[tuple[str, str, str, str], str] = {}
        self._work: dict[tuple[int, str], ImageWork] = {}

    def known(self, call: Call, settings: DockerSettings) -> Image | None:
        """Its image if it was on the engine a moment ago."""
        if settings.pull == "always" and "image" in call.runtime:
            return None
        image, until = self._known.get(self._name(call, settings), (None, 0.0))
        return image if time.monotonic() < until else None

    def forget(self, call: Call, settings: DockerSettings) -> None:
        """It was not there after all."""
        self._known.pop(self._name(call, settings), None)

    def ensure(self, client: docker.APIClient, call: Call, settings: DockerSettings, abort: Abort) -> Image:
        """The image of the call's step. Raises ImageFault, Stopped, EngineAway."""
        name = self._name(call, settings)
        is_given = "image" in call.runtime
        image = None if is_given and settings.pull == "always" else _inspect(client, name)
        if image is None:
            try:
                self._wait(name, lambda own: _fetch(own, name, None if is_given else call, settings), settings, abort)
            except ImageFault as fault:
                raise fault.within(call.limits.log_bytes) from fault
            image = _inspect(client, name)
            if image is None:
                raise ImageFault("ImageNotFound", f"the image {name!r} has gone from the engine again")
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[name] = (image, time.monotonic() + _KNOWN_SECONDS)
        return image

    def _name(self, call: Call, settings: DockerSettings) -> str:
        if "image" in call.runtime:
            return str(call.runtime["image"])
        bundle, dockerfile = _bundle(call), _dockerfile(call)
        key = (bundle.key, bundle.root, dockerfile, settings.registry)
        name = self._names.get(key)
        if name is None:  # hashing a large folder takes longer than starting a container
            if len(self._names) >= _MOST_KNOWN:
                self._names.clear()
            name = self._names[key] = image_name(bundle, dockerfile, settings.registry)
        return name

    def _wait(
        self, name: str, fetch: Callable[[docker.APIClient], None], settings: DockerSettings, abort: Abort
    ) -> None:
        woken = threading.Event()
        with Cutoff(settings.build_seconds, abort) as cutoff:
            while True:
                work = self._join(name, fetch, settings.build_seconds)
                woken.clear()
                work.future.add_done_callback(lambda _: woken.set())
                cutoff.stops(woken.set)
                woken.wait()
                work.leave(leaves_it=cutoff.reason == "abort" and abort.reason != "cancel")
                if cutoff.reason == "abort":
                    raise Stopped
                if not work.future.done():
                    raise too_late(name, settings.build_seconds)
                try:
                    return work.future.result()
                except Unwanted:  # stopped just before we came: begin anew
                    pass

    def _join(self, name: str, fetch: Callable[[docker.APIClient], None], seconds: float) -> ImageWork:
        key = (os.getpid(), name)
        with self._lock:
            work = self._work.get(key)
            if work is None:
                work = self._work[key] = ImageWork(name, fetch, seconds, lambda: self._done(key))
                work.start()
            work.join()
            return work

    def _done(self, key: tuple[int, str]) -> None:
        with self._lock:
            self._work.pop(key, None)


def _fetch(client: docker.APIClient, name: str, built_from: Call | None, settings: DockerSettings) -> None:
    """Pull it, or build it if it is one of ours. Raises ImageFault, EngineAway."""
    auth = auth_for(name, settings)
    if built_from is None:
        if settings.pull == "never":
            message = f"the engine has no image {name!r}, and DOCKER_PULL=never keeps workers from pulling it"
            raise ImageFault("ImageNotFound", message, retryable=False)
        pull_image(client, name, auth)
        return
    if settings.registry and settings.pull != "never":
        try:
            pull_image(client, name, auth)
        except ImageFault as fault:
            # Any other fault may pass, and the image that was deployed is to be preferred to one of our own.
            if fault.name != "ImageNotFound" or not settings.build:
                raise
        else:
            return
    if not settings.build:
        message = f"the engine has no image {name!r}, and DOCKER_BUILD=0 keeps workers from building it"
        raise ImageFault("ImageNotFound", message, retryable=False)
    bundle, dockerfile = _bundle(built_from), _dockerfile(built_from)
    memory, network = settings.build_memory_bytes, settings.build_network
    build_image(client, bundle, dockerfile, name, memory_bytes=memory, network=network)


def _inspect(client: docker.APIClient, name: str) -> Image | None:
    try:
        with answering():
            found = client.inspect_image(name)
            mark_used(client, name, found)
    except docker.errors.ImageNotFound:
        return None
    except docker.errors.APIError as fault:
        message = f"{name!r} is no name of an image: {fault.explanation}"
        raise ImageFault("BadImageName", message, retryable=False) from fault
    config = found.get("Config") or {}
    return Image(
        found["Id"],
        tuple(config.get("Entrypoint") or ()),
        tuple(config.get("Cmd") or ()),
        tuple(sorted(config.get("Volumes") or ())),
    )


def _bundle(call: Call) -> Bundle:
    if call.bundle is None:
        raise ImageFault("NoBundle", "the step has no files to build its image from", retryable=False)
    return call.bundle


def _dockerfile(call: Call) -> str:
    return str(call.runtime.get("dockerfile") or "Dockerfile")
