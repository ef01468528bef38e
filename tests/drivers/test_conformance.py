"""What every driver promises. A new driver joins by a Subject that says how to make its steps do these things."""

import dataclasses
import json
import threading
import time
from typing import Protocol

import pytest

from drivers.contract import Abort, Call, Driver, Limits, Outcome
from drivers.http import HttpDriver
from drivers.registry import queue_for
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import PAYLOAD, error_of, http_call, run, script_call
from tests.drivers.server import Request, Serve, reply


class Subject(Protocol):
    driver: Driver
    runtime: str

    def returning(self, text: str) -> Call: ...
    def echoing(self) -> Call: ...
    def failing(self, message: str) -> Call: ...
    def hanging(self) -> Call: ...


class HttpSubject:
    runtime = "http"

    def __init__(self, driver: HttpDriver, serve: Serve) -> None:
        self.driver: Driver = driver
        self._serve = serve

    def returning(self, text: str) -> Call:
        return http_call(self._serve(lambda _: reply(text.encode())).url)

    def echoing(self) -> Call:
        return http_call(self._serve(lambda request: reply(request.body)).url)

    def failing(self, message: str) -> Call:
        return http_call(self._serve(lambda _: reply(json.dumps(message).encode(), "500 Oops")).url)

    def hanging(self) -> Call:
        def answer(_: Request) -> None:
            server.ending.wait()

        server = self._serve(answer)
        return http_call(server.url)


class TypeScriptSubject:
    runtime = "typescript"

    def __init__(self, driver: TypeScriptDriver) -> None:
        self.driver: Driver = driver

    def returning(self, text: str) -> Call:
        return script_call(f"export const run = () => JSON.parse({json.dumps(text)});")

    def echoing(self) -> Call:
        return script_call("export const run = (input: unknown) => input;")

    def failing(self, message: str) -> Call:
        return script_call(f"export function run() {{ throw new Error({json.dumps(message)}) }}")

    def hanging(self) -> Call:
        return script_call("export function run() { for (;;); }")


@pytest.fixture(params=["http", "typescript"])
def subject(request: pytest.FixtureRequest, http: HttpDriver, serve: Serve, typescript: TypeScriptDriver) -> Subject:
    return HttpSubject(http, serve) if request.param == "http" else TypeScriptSubject(typescript)


def test_it_runs_on_the_queue_that_the_registry_names(subject: Subject) -> None:
    assert subject.driver.queue == queue_for(subject.runtime)


def test_a_step_gets_its_input_and_its_output_comes_back(subject: Subject) -> None:
    outcome = run(subject.driver, subject.echoing())
    assert outcome.ok
    assert outcome.error is None
    assert json.loads(outcome.output or "") == json.loads(PAYLOAD)


@pytest.mark.parametrize("text", ["null", "true", "0", '"text"', "[]", "[1,[2]]", "{}", '{"a":{"status":500}}'])
def test_any_json_value_is_an_output(subject: Subject, text: str) -> None:
    outcome = run(subject.driver, subject.returning(text))
    assert outcome.ok
    assert json.loads(outcome.output or "") == json.loads(text)


@pytest.mark.parametrize("key", ["status", "statusCode"])
@pytest.mark.parametrize(("status", "ok", "retryable"), [(200, True, True), (399, True, True), (400, False, False)])
def test_a_status_in_the_output_below_400_is_success(
    subject: Subject, key: str, status: int, ok: bool, retryable: bool
) -> None:
    outcome = run(subject.driver, subject.returning(json.dumps({key: status, "body": "b"})))
    assert (outcome.ok, outcome.retryable) == (ok, retryable)


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (429, False), (499, False), (500, True), (503, True)])
def test_a_status_of_400_fails_for_good_and_of_500_is_tried_again_with_the_output_kept(
    subject: Subject, status: int, retryable: bool
) -> None:
    outcome = run(subject.driver, subject.returning(json.dumps({"status": status, "body": "why"})))
    assert error_of(outcome) == ("StatusError", f"the step's output has status {status}")
    assert outcome.retryable is retryable
    assert json.loads(outcome.output or "")["body"] == "why"


@pytest.mark.parametrize("status", ['"500"', "null", "true", "[500]", '{"a":500}'])
def test_a_status_that_is_no_number_means_nothing(subject: Subject, status: str) -> None:
    assert run(subject.driver, subject.returning(f'{{"status":{status}}}')).ok


@pytest.mark.parametrize(
    "text",
    [
        r'"\u0000"',
        r'"\ud800"',
        r'{"\ud800\u0000":["\udfff"]}',
        "[" * 1000 + "]" * 1000,
        '{"a":' * 999 + "1" + "}" * 999,
    ],
    ids=["nul", "lone surrogate", "in keys", "1000 arrays", "1000 objects"],
)
def test_odd_but_valid_json_passes_through(subject: Subject, text: str) -> None:
    outcome = run(subject.driver, subject.returning(text))
    assert outcome.ok
    assert (outcome.output or "").replace(" ", "") == text


@pytest.mark.parametrize("text", [r'"\u0000\ud800"', "[" * 1000 + "]" * 1000, "1e400000", '"\U0001f600"'])
def test_odd_but_valid_json_reaches_the_step(subject: Subject, text: str) -> None:
    payload = f'{{"event":{{"data":{text}}}}}'.encode()
    assert run(subject.driver, dataclasses.replace(subject.echoing(), payload=payload)).ok


def test_an_output_over_the_limit_fails_for_good_and_names_limit_and_size(subject: Subject) -> None:
    call = dataclasses.replace(subject.returning(json.dumps("x" * 5000)), limits=Limits(output_bytes=4096))
    outcome = run(subject.driver, call)
    name, message = error_of(outcome)
    assert name == "OutputTooLarge"
    assert "4,096" in message
    assert "5,002" in message or "at least 4,097" in message
    assert not outcome.retryable


def test_an_output_of_just_the_limit_is_kept(subject: Subject) -> None:
    call = dataclasses.replace(subject.returning(json.dumps("x" * 4094)), limits=Limits(output_bytes=4096))
    assert len(run(subject.driver, call).output or "") == 4096


def test_a_failure_is_tried_again_and_says_why_in_text_that_can_be_stored(subject: Subject) -> None:
    outcome = run(subject.driver, subject.failing("no luck \x00 today"))
    assert not outcome.ok
    assert outcome.retryable
    assert outcome.error is not None
    assert outcome.error.name
    assert outcome.error.message
    assert "\x00" not in outcome.error.name + outcome.error.message + outcome.error.stack + outcome.log


def test_a_step_that_hangs_is_ended_at_its_timeout(subject: Subject) -> None:
    run(subject.driver, subject.echoing())
    started = time.monotonic()
    outcome = run(subject.driver, dataclasses.replace(subject.hanging(), timeout=0.3))
    assert error_of(outcome) == ("StepTimeout", "the step did not finish within 0.3 s")
    assert outcome.retryable
    assert 0.3 <= time.monotonic() - started < 5.0


def test_an_abort_ends_a_running_step_promptly(subject: Subject) -> None:
    abort = Abort()
    call = subject.hanging()
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(subject.driver.run(call, abort)))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    abort.set()
    thread.join(5.0)
    assert not thread.is_alive()
    assert error_of(outcomes[0])[0] == "StepAborted"


def test_an_abort_set_before_the_call_ends_it_at_once(subject: Subject) -> None:
    abort = Abort()
    abort.set()
    started = time.monotonic()
    assert error_of(subject.driver.run(subject.hanging(), abort))[0] == "StepAborted"
    assert time.monotonic() - started < 5.0


def test_aborting_one_call_leaves_the_others_alone(subject: Subject) -> None:
    run(subject.driver, subject.echoing())
    abort = Abort()
    hanging, echoing = subject.hanging(), subject.echoing()
    thread = threading.Thread(target=lambda: subject.driver.run(hanging, abort))
    thread.start()
    outcomes = [run(subject.driver, echoing)]
    abort.set()
    outcomes += [run(subject.driver, echoing) for _ in range(20)]
    thread.join(5.0)
    assert all(outcome.ok for outcome in outcomes)


def test_threads_share_it_without_mixing_up_their_answers(subject: Subject) -> None:
    call = subject.echoing()
    mixed: list[str] = []

    def work(thread: int) -> None:
        for number in range(20):
            payload = json.dumps({"event": {"data": [thread, number]}}).encode()
            outcome = run(subject.driver, dataclasses.replace(call, payload=payload))
            if not outcome.ok or json.loads(outcome.output or "") != json.loads(payload):
                mixed.append(str(outcome))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []
