"""Images: built from a step's folder under a name that its files make, pulled, pushed, and never twice."""

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drivers.contract import Call, Outcome
from drivers.docker import DockerDriver
from drivers.docker_context import build_context
from drivers.docker_images import LABEL, ImageFault, Progress, build_image, image_name, pull_image, push_image
from drivers.settings import DockerSettings, DriverSettings, configure, current
from tests.docker_registry import PASSWORD, USER, Registry
from tests.drivers.calls import bundle, error_of, run
from tests.drivers.subjects.docker import DockerSubject, docker_call

FILES = {"step/Dockerfile": "FROM scratch\n", "step/a.sh": "#!/bin/sh\n", "other": "x"}
NAME = "inngest-step:"


@pytest.fixture(scope="module")
def subject(busybox_image: str) -> DockerSubject:
    return DockerSubject(DockerDriver(), busybox_image)


@pytest.fixture
def use() -> Iterator[Callable[..., None]]:
    previous = current()
    yield lambda **settings: configure(DriverSettings(docker=DockerSettings(**settings)))
    configure(previous)


def ran(call: Call) -> Outcome:
    """By a worker of its own, which remembers nothing."""
    outcome = run(DockerDriver(), call)
    if outcome.kept is not None:
        outcome.kept()
    return outcome


def built_by(call: Call, registry: str = "") -> str:
    assert call.bundle is not None
    return image_name(call.bundle, "Dockerfile", registry)


def test_equal_folders_have_one_name_wherever_they_lie() -> None:
    name = image_name(bundle(FILES, "step"), "Dockerfile", "")
    assert name.startswith(NAME)
    assert len(name) == len(NAME) + 32
    moved = {path.removeprefix("step/"): file for path, file in FILES.items() if path != "other"}
    assert image_name(bundle(moved), "./Dockerfile", "") == name
    assert image_name(bundle(moved), "Dockerfile", "registry.example.com/team/") == f"registry.example.com/team/{name}"


@pytest.mark.parametrize("change", [{"a.sh": "#!/bin/sh\n\n"}, {"b": ""}, {"Dockerfile": "FROM scratch\n#\n"}])
def test_another_file_or_dockerfile_makes_another_name(change: dict[str, str]) -> None:
    files = {"Dockerfile": "FROM scratch\n", "a.sh": "#!/bin/sh\n", "x/Dockerfile": "FROM scratch\n"}
    name = image_name(bundle(files), "Dockerfile", "")
    assert image_name(bundle(files | change), "Dockerfile", "") != name
    assert image_name(bundle(files), "x/Dockerfile", "") != name


def test_what_dockerignore_names_is_neither_sent_nor_part_of_the_name() -> None:
    files = {"Dockerfile": "FROM scratch\n", ".dockerignore": "# none\n*\n!keep/**\nkeep/*.log\n", "keep/a": "1"}
    name, context = image_name(bundle(files), "Dockerfile", ""), build_context(bundle(files), "Dockerfile").read()
    more = bundle(files | {"secret": "1", "keep/b.log": "2", "deep/er/c": "3"})
    assert image_name(more, "Dockerfile", "") == name
    assert build_context(more, "Dockerfile").read() == context


@pytest.mark.docker
def test_an_unchanged_folder_is_built_once_however_many_wait_for_it(
    docker_engine: Any, subject: DockerSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drivers import docker_image_store

    builds: list[str] = []

    def counting(*args: Any, **options: Any) -> None:
        builds.append(args[3])
        build_image(*args, **options)

    monkeypatch.setattr(docker_image_store, "build_image", counting)
    call, driver = subject.running(f"echo 1 # {uuid.uuid4()}"), DockerDriver()
    outcomes: list[Outcome] = []

    def work(attempt: int) -> None:
        outcomes.append(run(driver, dataclasses.replace(call, attempt=attempt)))

    threads = [threading.Thread(target=work, args=(attempt,)) for attempt in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [outcome.output for outcome in outcomes] == ["1"] * 5
    assert ran(dataclasses.replace(call, attempt=9)).ok
    assert builds == [built_by(call)]
    # Removed behind the driver's back, it is built once more.
    for outcome in outcomes:
        assert outcome.kept is not None
        outcome.kept()
    docker_engine.remove_image(built_by(call), force=True)
    assert run(driver, dataclasses.replace(call, attempt=10)).ok
    assert len(builds) == 2


@pytest.mark.docker
def test_modes_are_told_by_how_files_begin(subject: DockerSubject) -> None:
    call = subject.running("/a.sh && ! test -x /b.txt", {"a.sh": "#!/bin/sh\necho 5\n", "b.txt": "text"})
    assert ran(call).output == "5"


@pytest.mark.docker
def test_building_tells_how_far_it_is(docker_engine: Any, subject: DockerSubject) -> None:
    told: list[Progress] = []
    call = subject.running(f"echo {uuid.uuid4()}")
    assert call.bundle is not None
    build_image(docker_engine, call.bundle, "Dockerfile", built_by(call), told.append)
    assert [(each.current, each.total) for each in told] == [(0, 0), (1, 3), (2, 3), (3, 3), (0, 0)]
    assert told[2].text.startswith("CMD ")
    assert docker_engine.inspect_image(built_by(call))["Config"]["Labels"].items() >= LABEL.items()


@pytest.mark.docker
def test_a_failed_build_is_tried_again_and_shows_its_last_lines(busybox_image: str, docker_engine: Any) -> None:
    lines = f'FROM {busybox_image}\nRUN ["/bin/sh", "-c", "echo such luck; exit 4"]\n'
    outcome = ran(docker_call({"dockerfile": "Dockerfile"}, {"Dockerfile": lines}))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("ImageBuildFailed", True)
    assert "non-zero code: 4" in message
    assert "such luck" in message
    assert "such luck" in outcome.log


@pytest.mark.docker
def test_a_dockerfile_that_is_not_there_fails_for_good(docker_engine: Any) -> None:
    outcome = ran(docker_call({"dockerfile": "x/Dockerfile"}, {"Dockerfile": "FROM scratch"}))
    assert error_of(outcome)[0] == "NoDockerfile"
    assert not outcome.retryable


@pytest.mark.docker
def test_workers_build_only_if_they_may(subject: DockerSubject, use: Callable[..., None]) -> None:
    use(build=False)
    outcome = ran(subject.running(f"echo {uuid.uuid4()}"))
    assert error_of(outcome)[0] == "ImageNotFound"
    assert "DOCKER_BUILD=0" in error_of(outcome)[1]


@pytest.mark.docker
def test_an_image_is_pulled_only_if_the_policy_says_so(busybox_image: str, use: Callable[..., None]) -> None:
    use(pull="never")
    assert error_of(ran(docker_call({"image": busybox_image})))[0] == "CannotRun"  # it is there, without a command
    outcome = ran(docker_call({"image": "nosuch:1"}))
    assert error_of(outcome)[0] == "ImageNotFound"
    assert "DOCKER_PULL=never" in error_of(outcome)[1]
    assert not outcome.retryable


@pytest.mark.docker
@pytest.mark.parametrize("name", ["UPPER", "a b", "a:b:c"])
def test_what_is_no_name_of_an_image_fails_for_good(docker_engine: Any, name: str) -> None:
    outcome = ran(docker_call({"image": name}))
    assert not outcome.retryable
    assert not outcome.unavailable


@pytest.mark.docker
def test_what_one_machine_pushed_another_pulls_with_the_password_alone(
    docker_engine: Any, subject: DockerSubject, docker_registry: Registry, use: Callable[..., None]
) -> None:
    call = subject.running(f"echo 3 # {uuid.uuid4()}")
    assert call.bundle is not None
    registry, auth = docker_registry.name, {"username": USER, "password": PASSWORD}
    name = built_by(call, registry)
    build_image(docker_engine, call.bundle, "Dockerfile", name)
    with pytest.raises(ImageFault, match=r"could not be pushed: .*no basic auth"):
        push_image(docker_engine, name)
    told: list[Progress] = []
    push_image(docker_engine, name, auth, told.append)
    assert any(0 < each.current <= each.total for each in told)
    docker_engine.remove_image(name, force=True)

    use(registry=registry, build=False)
    outcome = ran(call)
    assert (error_of(outcome)[0], outcome.retryable) == ("ImagePullFailed", True)
    assert PASSWORD not in str(outcome)
    use(registry=registry, build=False, registry_username=USER, registry_password=PASSWORD)
    assert ran(call).output == "3"
    assert ran(dataclasses.replace(call, runtime={"type": "docker", "image": name}, attempt=2)).output == "3"
    use(registry=registry, pull="always", registry_username=USER, registry_password=PASSWORD)
    assert ran(dataclasses.replace(call, runtime={"type": "docker", "image": name}, attempt=3)).output == "3"
    with pytest.raises(ImageFault) as fault:
        pull_image(docker_engine, f"{registry}/nosuch:1", auth)
    assert (fault.value.name, fault.value.retryable) == ("ImageNotFound", False)
    # What nobody deployed there is built here.
    other = subject.running(f"echo 4 # {uuid.uuid4()}")
    assert ran(other).output == "4"
    docker_engine.remove_image(name, force=True)
