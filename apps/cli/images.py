"""The images of docker steps, built before a deploy and, if the server has a registry, pushed to it."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from apps.cli.client import Client, Refused
from apps.cli.printing import err, lines, note, one_line
from apps.cli.problems import Problem
from apps.cli.step_images import StepImage

if TYPE_CHECKING:
    import docker

    from apps.cli.progress import Stages
    from drivers.docker_images import Progress

PLATFORM = "DOCKER_DEFAULT_PLATFORM"
"""The variable by which `docker build`, too, builds for other machines than this one."""
_LAST_LINES = 30


class Places(NamedTuple):
    """What the server says of images."""

    registry: str
    """None: "", and each engine builds its own."""
    built_by_workers: bool


def make_images(images: Sequence[StepImage], client: Client, shown: "Stages") -> None:
    """Build what is neither on the engine nor in the registry, and push it. Raises Problem.

    Without a registry an image is of use to workers on the same engine; for the others it was tried whether it can be
    built, so an engine that is away is no fault then.
    """
    from apps.cli.engine import local_engine

    places = _places(client)
    engine = local_engine()
    if isinstance(engine, str):
        _without_engine(engine, images, places)
        return
    named = _by_name(images, places.registry)
    width = max(len(one_line(image.label)) for image in named.values())
    for number, (name, image) in enumerate(named.items()):
        shown.building(number, len(named), "images")
        with _told(image, name):
            how = _make(engine, name, image, places, shown)
        shown.made(image.label, width, ", ".join(how.done) or how.there, is_new=bool(how.done))
    shown.building(len(named), len(named), "images")


class _How(NamedTuple):
    done: list[str]
    there: str = ""


def _make(engine: "docker.APIClient", name: str, image: StepImage, places: Places, shown: "Stages") -> _How:
    from drivers.docker_images import build_image, push_image

    if places.registry and _is_in_registry(engine, name):
        return _How([], "in the registry already")
    done = []
    if not _is_on_engine(engine, name):
        began = time.monotonic()
        with shown.part("Building", image.label) as part:

            def told(progress: "Progress") -> None:
                part.step(progress.current, progress.total, progress.text)

            build_image(engine, image.bundle, image.dockerfile, name, told, platform=_platform())
        done.append(f"built in {time.monotonic() - began:.1f} s")
    if places.registry:
        began = time.monotonic()
        with shown.part("Pushing", image.label) as part:
            push_image(engine, name, None, lambda progress: part.transferred(progress.current, progress.total))
        done.append(f"pushed in {time.monotonic() - began:.1f} s")
    return _How(done, "built already")


def _places(client: Client) -> Places:
    try:
        data = client.get("/v1/images")["data"]
    except Refused as refused:
        if refused.status == 404:  # a server older than this: its workers build
            return Places("", built_by_workers=True)
        raise
    return Places(data["registry"], data["built_by_workers"])


def _by_name(images: Sequence[StepImage], registry: str) -> Mapping[str, StepImage]:
    """Each once: steps with equal folders share one. Raises Problem for a folder that makes none."""
    from drivers.docker_context import image_name

    named: dict[str, StepImage] = {}
    for image in images:
        with _told(image):
            named.setdefault(image_name(image.bundle, image.dockerfile, registry), image)
    return named


def _without_engine(fault: str, images: Sequence[StepImage], places: Places) -> None:
    labels = ", ".join(one_line(image.label) for image in images[:5])
    more = f" and {len(images) - 5} more" if len(images) > 5 else ""
    if places.registry or not places.built_by_workers:
        left = (
            "the workers build then" if places.built_by_workers else "the images have to be there by other means then"
        )
        raise Problem(
            f"the images of {labels}{more} cannot be built: {one_line(fault)}",
            f"start Docker here, or deploy with --no-build ({left})\nnothing was sent",
        )
    note(f"no image is built here: {one_line(fault)}; the workers build those of {labels}{more}")


def _platform() -> str | None:
    return os.environ.get(PLATFORM) or None


def _fits(platform: Mapping[str, str]) -> bool:
    """Whether an image for this platform is one that is asked for; where none is, any is."""
    asked = (_platform() or "").split("/")
    return len(asked) < 2 or asked[:2] == [platform.get("os"), platform.get("architecture")]


def _is_in_registry(engine: "docker.APIClient", name: str) -> bool:
    """Whatever the registry says but yes is no: pushing shows what is wrong."""
    import docker

    try:
        found = engine.inspect_distribution(name)
    except docker.errors.APIError:
        return False
    return any(map(_fits, found.get("Platforms") or [{}]))


def _is_on_engine(engine: "docker.APIClient", name: str) -> bool:
    import docker

    try:
        found = engine.inspect_image(name)
    except docker.errors.ImageNotFound:
        return False
    return _fits({"os": found.get("Os", ""), "architecture": found.get("Architecture", "")})


@contextmanager
def _told(image: StepImage, name: str = "") -> Iterator[None]:
    """What goes wrong is a Problem; of a build, the last that it said is printed first."""
    import docker

    from drivers.docker_engine import EngineAway, answering, explanation
    from drivers.docker_images import ImageFault

    label = one_line(image.label)
    try:
        with answering():
            yield
    except ImageFault as fault:
        summary = lines(str(fault)).splitlines()[0]
        if fault.name == "ImagePushFailed":
            host = name.split("/", 1)[0]
            raise Problem(
                f"{label}: {summary}", f"if it wants a password: docker login {host}\nnothing was sent"
            ) from None
        for line in lines(fault.log).splitlines()[-_LAST_LINES:-1]:
            err().print(f"  {line}", style="dim", soft_wrap=True)
        raise Problem(f"{label}: {summary}", "nothing was sent") from None
    except EngineAway as fault:
        raise Problem(f"{label}: {one_line(str(fault))}", "nothing was sent") from None
    except docker.errors.APIError as fault:
        raise Problem(f"{label}: the Docker engine refuses {one_line(name)}: {explanation(fault)}") from None
