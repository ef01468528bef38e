"""The options of docker, wasm and typescript steps, and folders that are one step."""

from collections.abc import Mapping

import pytest

from apps.datastore.definition import parse
from apps.datastore.definition.types import Runtime, from_json, to_json
from tests.datastore.definition.documents_of_tests import document, faults_of, with_step

FILES = {
    "Dockerfile": b"",
    "index.ts": b"",
    "a/Dockerfile": b"",
    "a/build/prod.Dockerfile": b"",
    "w/main.wasm": b"",
    "w/inner/other.wasm": b"",
    "two/a.wasm": b"",
    "two/b.wasm": b"",
    "bare/main.go": b"",
}
DIGEST = "sha256:" + "0a" * 32


def runtime_of(path: str, **runtime: object) -> Runtime:
    found = parse(with_step(path=f"file://./{path}" if path else "file://.", runtime=runtime), FILES)
    assert from_json(to_json(found)) == found
    return found.steps["a"].runtime


def faults_in(path: str, **runtime: object) -> dict[str, str]:
    found = faults_of(with_step(path=f"file://./{path}" if path else "file://.", runtime=runtime), FILES)
    return {path.removeprefix("$.steps.a.runtime").removeprefix("."): message for path, message in found.items()}


def test_a_docker_step_is_built_from_the_dockerfile_of_its_folder() -> None:
    assert runtime_of("a", type="docker").options == {"dockerfile": "Dockerfile"}
    assert runtime_of("", type="docker").options == {"dockerfile": "Dockerfile"}
    assert runtime_of("a", type="docker", dockerfile="./build/prod.Dockerfile").options == {
        "dockerfile": "build/prod.Dockerfile"
    }


@pytest.mark.parametrize(
    "image",
    [
        "alpine",
        "alpine:3.20",
        "library/alpine",
        "ghcr.io/team/app_1/x-y.z:V1.0-rc_1",
        "localhost:5000/app",
        "[::1]:5000/app",
        f"registry.example.com:5000/team/app:1.2@{DIGEST}",
        f"app@{DIGEST}",
    ],
)
def test_a_docker_step_may_name_an_image_and_needs_no_files_then(image: str) -> None:
    assert runtime_of("bare", type="docker", image=image).options == {"image": image}


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("", "must not be empty"),
        ("Alpine", "names are lowercase"),
        ("https://ghcr.io/app", 'no "https://"'),
        ("app:", "must be an image"),
        ("app:-x", "must be an image"),
        ("app tag", "must be an image"),
        ("app@sha256:abc", "must be an image"),
        ("-app", "must be an image"),
        ("a//b", "must be an image"),
        ("a" * 256, "must be an image"),
        (["app"], "must be text"),
    ],
)
def test_what_is_no_image_is_refused(image: object, says: str) -> None:
    assert says in faults_in("a", type="docker", image=image)["image"]


def test_image_and_dockerfile_exclude_each_other_and_one_is_needed() -> None:
    assert faults_in("a", type="docker", image="x", dockerfile="Dockerfile") == {
        "": "must have either image or dockerfile, not both"
    }
    problem = 'there is no Dockerfile in the folder "bare", and no image is named instead'
    assert faults_in("bare", type="docker") == {"": problem}


@pytest.mark.parametrize(
    ("dockerfile", "says"),
    [
        ("no.Dockerfile", 'there is no "no.Dockerfile" in the folder "a"'),
        ("../Dockerfile", "must be inside the step's folder"),
        ("../../Dockerfile", "must be inside the function's folder"),
        (5, "must be text"),
    ],
)
def test_a_dockerfile_lies_in_the_step_s_folder(dockerfile: object, says: str) -> None:
    assert says in faults_in("a", type="docker", dockerfile=dockerfile)["dockerfile"]


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        ("512MB", 512_000_000),
        ("1GB", 10**9),
        ("64MiB", 64 * 2**20),
        ("1.5 gib", 3 * 2**29),
        ("6291456", 6 * 2**20),
        (2**30, 2**30),
        ("8000KB", 8_000_000),
    ],
)
def test_memory_is_written_in_units_or_bytes_and_kept_in_bytes(memory: object, size: int) -> None:
    found = runtime_of("a", type="docker", memory=memory, cpus=1, pids=64).options
    assert found == {"dockerfile": "Dockerfile", "memory": size, "cpus": 1.0, "pids": 64}
    assert isinstance(found["cpus"], float)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("memory", "512m", "must be a size"),
        ("memory", "MB", "must be a size"),
        ("memory", "-1MB", "must be a size"),
        ("memory", True, "must be a size"),
        ("memory", 1.5, "must be a size"),
        ("memory", "6MB", "at least 6 MiB (6,291,456 bytes)"),
        ("memory", "999999999999999GB", "at most 16 TiB"),
        ("cpus", 0, "from 0.01"),
        ("cpus", "1", "must be a number"),
        ("pids", 0, "must be from 1"),
        ("pids", 1.5, "must be a whole number"),
        ("privileged", True, "unknown field"),
    ],
)
def test_limits_that_no_container_can_have_are_refused(option: str, value: object, says: str) -> None:
    assert says in faults_in("a", type="docker", **{option: value})[option]


def test_a_wasm_step_runs_the_one_module_of_its_folder() -> None:
    assert runtime_of("w", type="wasm").options == {"module": "main.wasm"}
    assert runtime_of("w", type="wasm", module="inner/other.wasm").options == {"module": "inner/other.wasm"}
    assert runtime_of("two", type="wasm", module="b.wasm", build="make b.wasm").options == {
        "module": "b.wasm",
        "build": "make b.wasm",
    }


def test_several_modules_are_named_and_one_must_be_chosen() -> None:
    problem = 'must say which module it is: the folder "two" has "a.wasm", "b.wasm"'
    assert faults_in("two", type="wasm") == {"": problem}


def test_a_module_that_is_not_there_is_answered_with_the_command_that_makes_it() -> None:
    build = "GOOS=wasip1 GOARCH=wasm go build -o main.wasm"
    made = f"; this makes it: {build}"
    assert faults_in("bare", type="wasm", build=build) == {"": f'there is no *.wasm in the folder "bare"{made}'}
    problem = f'there is no "m.wasm" in the folder "bare"{made}'
    assert faults_in("bare", type="wasm", module="m.wasm", build=build) == {"module": problem}
    assert faults_in("bare", type="wasm") == {"": 'there is no *.wasm in the folder "bare"'}


@pytest.mark.parametrize(
    ("options", "path", "says"),
    [
        ({"module": "main.go"}, "module", "ends in .wasm"),
        ({"module": "../../x.wasm"}, "module", "must be inside"),
        ({"module": 1}, "module", "must be text"),
        ({"build": "a\nb"}, "build", "control characters"),
        ({"build": ["make"]}, "build", "must be text"),
        ({"modul": "a"}, "modul", 'did you mean "module"'),
    ],
)
def test_a_wrong_option_of_a_wasm_step_is_named(options: dict[str, object], path: str, says: str) -> None:
    assert says in faults_in("w", type="wasm", **options)[path]


def test_a_script_names_the_hosts_that_it_may_reach() -> None:
    hosts = [
        "api.Example.com",
        "*.example.com",
        "localhost:3000",
        "127.0.0.1:8080",
        "[::1]:80",
        "bücher.example",
        "localhost:3000",
    ]
    kept = ["api.example.com", "*.example.com", "localhost:3000", "127.0.0.1:8080", "[::1]:80", "bücher.example"]
    assert runtime_of("", type="typescript", hosts=hosts).options == {"entrypoint": "index.ts", "hosts": kept}
    assert runtime_of("", type="typescript", hosts=[]).options == {"entrypoint": "index.ts"}


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("https://example.com", "without scheme or path"),
        ("example.com/path", "without scheme or path"),
        ("*", '"*" alone'),
        ("a.*.com", "must be a host such as"),
        ("example.com:0", "1 to 65535"),
        ("example.com:99999", "1 to 65535"),
        ("example .com", "must be a host such as"),
        ("a..com", "must be a host such as"),
        ("user@example.com", "must be a host such as"),
        ("", "must not be empty"),
        (3000, "must be text"),
    ],
)
def test_what_is_no_host_is_refused_at_its_place(host: object, says: str) -> None:
    assert says in faults_in("", type="typescript", hosts=["localhost", host])["hosts[1]"]


def test_hosts_are_a_list_and_not_too_long() -> None:
    assert faults_in("", type="typescript", hosts="localhost") == {"hosts": "must be an array, not text"}
    assert "the limit is 100" in faults_in("", type="typescript", hosts=["a"] * 101)["hosts"]


@pytest.mark.parametrize(("kind", "limit"), [("docker", "2h"), ("http", "2h"), ("typescript", "5m"), ("wasm", "5m")])
def test_each_runtime_has_a_longest_timeout(kind: str, limit: str) -> None:
    options = {"http": {"url": "http://a.b"}, "docker": {"image": "x"}, "wasm": {"module": "w/main.wasm"}}.get(kind, {})
    runtime = {"type": kind, **options}
    assert parse(with_step(runtime=runtime, timeout=limit), FILES).steps["a"].timeout in (7200, 300)
    found = faults_of(with_step(runtime=runtime, timeout="121m"), FILES)
    assert found == {"$.steps.a.timeout": f"must be at most {limit} for {kind}"}
    assert parse(with_step(runtime=runtime), FILES).steps["a"].timeout == (900 if limit == "2h" else 300)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("Dockerfile", "main.wasm", "index.ts"), Runtime("docker", {"dockerfile": "Dockerfile"})),
        (("main.wasm", "index.ts"), Runtime("wasm", {"module": "main.wasm"})),
        (("index.js", "index.ts", "inner/main.wasm"), Runtime("typescript", {"entrypoint": "index.ts"})),
    ],
)
def test_a_folder_without_steps_is_one_step_of_what_it_holds(files: tuple[str, ...], expected: Runtime) -> None:
    step = parse(document(), dict.fromkeys(files, b"")).steps["step-1"]
    assert step.runtime == expected
    assert step.timeout == (900 if expected.type == "docker" else 300)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"main.py": b""}, "a Dockerfile, a *.wasm, or index.ts or index.js"),
        ({"a.wasm": b"", "b.wasm": b""}, "must say which module it is: the function's folder has"),
    ],
)
def test_a_folder_that_does_not_say_what_to_run_is_refused(files: Mapping[str, bytes], says: str) -> None:
    assert says in faults_of(document(), files)["$"]


def test_versions_of_before_are_read_on() -> None:
    old = (
        '{"id":"a","name":"A","triggers":[{"event":"e"}],"steps":{"s":{"id":"s","name":"s","path":"","runtime":'
        '{"type":"typescript","options":{"entrypoint":"index.ts"}},"after":[{"step":"$trigger"}],"attempts":3,'
        '"timeout":300.0}}}'
    )
    assert from_json(old).steps["s"].runtime.options == {"entrypoint": "index.ts"}
