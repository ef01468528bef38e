"""What only containers have: a command, two streams, an exit code, an environment."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from drivers.contract import KIB, Call, Limits, Outcome
from drivers.docker import DockerDriver
from tests.drivers.calls import PAYLOAD, error_of, run
from tests.drivers.subjects.docker import DockerSubject, docker_call

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def subject(busybox_image: str) -> Iterator[DockerSubject]:
    driver = DockerDriver()
    yield DockerSubject(driver, busybox_image)
    driver.close()


def ran(subject: DockerSubject, call: Call) -> Outcome:
    outcome = run(subject.driver, call)
    if outcome.kept is not None:
        outcome.kept()
    return outcome


def with_lines(base: str, *lines: str) -> Call:
    return docker_call({"dockerfile": "Dockerfile"}, {"Dockerfile": "\n".join([f"FROM {base}", *lines, ""])})


@pytest.mark.parametrize(
    "lines",
    [
        ['ENTRYPOINT ["/bin/printf", "%s"]'],
        ['CMD ["/bin/printf", "%s"]'],
        ['ENTRYPOINT ["/bin/printf"]', 'CMD ["%s"]'],
        ['CMD printf "%s" "$1"'],
        ['ENTRYPOINT printf "%s" "$1"'],
        ['ENTRYPOINT ["/bin/env"]', 'CMD printf "%s" "$1"'],
    ],
)
def test_the_input_is_the_one_argument_of_what_the_image_runs(
    subject: DockerSubject, busybox_image: str, lines: list[str]
) -> None:
    assert ran(subject, with_lines(busybox_image, *lines)).output == PAYLOAD.decode()


def test_the_input_is_on_standard_input_too_which_then_ends(subject: DockerSubject) -> None:
    call = subject.running('test "$(cat)" = "$1" && echo same')
    assert json.loads(ran(subject, call).output or "") == {"body": "same\n"}


@pytest.mark.parametrize("size", [128 * KIB - 1, 128 * KIB, 5_000_000])
def test_an_input_too_long_for_an_argument_is_on_standard_input_alone(subject: DockerSubject, size: int) -> None:
    payload = b'{"a":"' + b"x" * (size - 8) + b'"}'
    call = dataclasses.replace(subject.running("echo [$(cat | wc -c), $#]"), payload=payload)
    assert json.loads(ran(subject, call).output or "") == [size, int(size < 128 * KIB)]


def test_a_step_need_not_read_its_input(subject: DockerSubject) -> None:
    call = dataclasses.replace(subject.running("exec <&-; echo 1"), payload=b'"' + b"x" * 5_000_000 + b'"')
    assert ran(subject, call).output == "1"


def test_lines_before_the_last_one_are_log_between_those_of_standard_error(subject: DockerSubject) -> None:
    pause = "sleep 0.1"
    call = subject.running(f"echo one; {pause}; echo two >&2; {pause}; echo three; {pause}; echo '{{\"a\":1}}'")
    outcome = ran(subject, call)
    assert (outcome.output, outcome.log) == ('{"a":1}', "one\ntwo\nthree")


def test_a_log_beyond_its_limit_is_dropped_and_the_step_goes_on(subject: DockerSubject) -> None:
    call = subject.running("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done; echo 7")
    outcome = ran(subject, dataclasses.replace(call, limits=Limits(log_bytes=1000)))
    assert outcome.output == "7"
    assert outcome.log.startswith("line 0\nline 1\n")
    assert outcome.log.endswith("[the log ends here: it is longer than 1,000 bytes]")


def test_an_exit_code_is_a_failure_that_shows_the_last_words(subject: DockerSubject) -> None:
    outcome = ran(subject, subject.running("echo '{\"at\":1}'; echo first >&2; echo last >&2; exit 3"))
    assert error_of(outcome) == ("ExitCode", "the container exited with code 3: last")
    assert outcome.error is not None
    assert outcome.error.stack == "first\nlast"
    assert (outcome.output, outcome.log, outcome.retryable) == ('{"at":1}', "first\nlast", True)


@pytest.mark.parametrize(("status", "retryable"), [(200, True), (404, False), (500, True)])
def test_a_status_says_whether_an_exit_code_is_for_good(subject: DockerSubject, status: int, retryable: bool) -> None:
    outcome = ran(subject, subject.exiting(1, json.dumps({"status": status})))
    assert error_of(outcome)[0] == "ExitCode"
    assert outcome.retryable is retryable


def test_a_step_that_closes_its_streams_is_waited_for(subject: DockerSubject) -> None:
    outcome = ran(subject, subject.running("echo 1; exec >&- 2>&-; sleep 0.5; exit 7"))
    assert error_of(outcome)[1] == "the container exited with code 7"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('CMD ["/no/such"]', "No such file"),
        ('CMD ["nosuch"]', "No such file"),
        ('CMD ["/etc"]', "ermission denied"),
        ("LABEL a=b", "neither ENTRYPOINT nor CMD"),
    ],
)
def test_an_image_without_a_program_fails_for_good(
    subject: DockerSubject, busybox_image: str, line: str, words: str
) -> None:
    outcome = ran(subject, with_lines(busybox_image, line))
    assert error_of(outcome)[0] == "CannotRun"
    assert words in error_of(outcome)[1]
    assert not outcome.retryable


@pytest.mark.parametrize(
    ("line", "name", "retryable"),
    [
        ("USER nosuch", "ContainerFailed", True),
        ("USER 99999999999", "ContainerFailed", True),
        ('VOLUME ["network"]', "ContainerRefused", False),
    ],
)
def test_what_the_engine_refuses_for_the_sake_of_the_image_uses_up_attempts(
    subject: DockerSubject, busybox_image: str, line: str, name: str, retryable: bool
) -> None:
    outcome = ran(subject, with_lines(busybox_image, line, 'CMD ["/bin/true"]'))
    assert (error_of(outcome)[0], outcome.retryable, outcome.unavailable) == (name, retryable, False)


def test_variables_are_passed_on_and_nothing_of_ours(subject: DockerSubject) -> None:
    call = dataclasses.replace(subject.running("env | sort"), env={"A": "x y=z\n€", "EMPTY": ""})
    lines = json.loads(ran(subject, call).output or "")["body"].splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert names == {"A", "€", "EMPTY", "HOME", "HOSTNAME", "PATH", "PWD", "SHLVL"}
    assert "A=x y=z" in lines


@pytest.mark.parametrize("variable", [{"a=b": ""}, {"": "x"}, {"a\0": ""}, {"a": "\0"}, {"a": "x" * 128 * KIB}])
def test_a_variable_that_no_environment_can_hold_fails_for_good(
    subject: DockerSubject, variable: dict[str, str]
) -> None:
    outcome = ran(subject, dataclasses.replace(subject.echoing(), env=variable))
    assert error_of(outcome)[0] == "BadVariable"
    assert not outcome.retryable


@pytest.mark.parametrize(
    "option", [{"memory": 2**40}, {"cpus": 1000.0}, {"pids": 100_000}, {"memory": 0}, {"pids": -1}, {"cpus": 0.0}]
)
def test_a_step_that_asks_for_more_than_the_settings_allow_or_for_no_limit_fails_for_good(
    subject: DockerSubject, option: dict[str, float]
) -> None:
    outcome = ran(subject, subject.running("echo 1", None, **option))
    assert error_of(outcome)[0] == "LimitRefused"
    assert f"DOCKER_{next(iter(option)).upper()}" in error_of(outcome)[1]
    assert not outcome.retryable


def test_a_step_may_ask_for_more_processors_than_there_are(subject: DockerSubject) -> None:
    assert ran(subject, subject.running("echo 1", cpus=8.0)).ok
