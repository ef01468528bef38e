"""Calls of an SDK's function: what is sent, and the answers of one that works. The rest is in test_sdk_faults.py."""

import json
import time

import pytest

from drivers.contract import Outcome
from drivers.sdk import SdkDriver
from drivers.signing import canonical, verify
from tests.drivers.calls import PAYLOAD, error_of, run, sdk_call
from tests.drivers.server import Serve, reply

KEY = "signkey-prod-" + "ab" * 32
SDK = ("X-Inngest-SDK: inngest-py:v0.5.19", "x-inngest-req-version: 2")
OPCODES = b'[{"id":"a","op":"StepRun","data":1},{"id":"b","op":"Sleep","name":"1h"}]'


def stream(inside: object, start: bytes = b"    \n ") -> bytes:
    return reply(start + json.dumps(inside).encode(), "201 Created", *SDK)


def answer_to(sdk: SdkDriver, serve: Serve, answer: bytes) -> Outcome:
    return run(sdk, sdk_call(serve(lambda _: answer).url))


def test_a_call_says_in_its_url_and_headers_what_it_is_of(sdk: SdkDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"1", "200 OK", *SDK))
    run(sdk, sdk_call(server.url, request_version=1))
    (request,) = server.requests
    assert request.head.startswith(b"POST /api/inngest?fnId=shop-order&stepId=step HTTP/1.1\r\n")
    assert request.body == PAYLOAD
    sent = {
        "host": server.url.removeprefix("http://"),
        "content-type": "application/json",
        "x-run-id": "run-1",
        "x-inngest-step-id": "step",
        "x-inngest-job-id": "job-1",
        "x-request-id": "job-1",
        "x-inngest-req-version": "1",
        "x-inngest-server-kind": "dev",
        "x-inngest-signature": None,
    }
    assert {name: request.header(name) for name in sent} == sent


@pytest.mark.parametrize(
    ("registered", "called"),
    [
        ("/x?fnId=a-b&stepId=step", "/x?fnId=a-b&stepId=0a1b"),
        ("/x?stepId=step&fnId=a%20b&z=%26", "/x?stepId=0a1b&fnId=a%20b&z=%26"),
        ("/x?fnId=a-b&myStepId=step", "/x?fnId=a-b&myStepId=step&stepId=0a1b"),
        ("/x", "/x?stepId=0a1b"),
    ],
)
def test_only_the_step_in_the_url_is_replaced(sdk: SdkDriver, serve: Serve, registered: str, called: str) -> None:
    server = serve(lambda _: reply(b"1", "200 OK", *SDK))
    for _ in range(2):
        run(sdk, sdk_call(server.url, path=registered, step_id="0a1b"))
    assert [request.head.split(b" ")[1] for request in server.requests] == [called.encode()] * 2
    assert server.connections == 1


def test_with_a_key_the_input_is_sent_in_canonical_form_and_signed(sdk: SdkDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"1", "200 OK", *SDK))
    run(sdk, sdk_call(server.url, payload=b'{"b": 1.0, "a": [1E3]}', signing_key=KEY))
    (request,) = server.requests
    assert request.body == b'{"a":[1000],"b":1}' == canonical(request.body)
    assert verify(request.body, request.header("x-inngest-signature") or "", KEY, int(time.time()))
    assert request.header("x-inngest-server-kind") == "cloud"


def test_the_kind_of_server_can_be_told(sdk: SdkDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"1", "200 OK", *SDK))
    run(sdk, sdk_call(server.url, signing_key=KEY, server_kind="dev"))
    assert server.requests[0].header("x-inngest-server-kind") == "dev"


@pytest.mark.parametrize(
    ("body", "output"),
    [
        *[(b'{"a":1}', '{"a":1}'), (b"null", "null"), (b"", "null"), (b'"x"', '"x"'), (b" [1] \n", "[1]")],
        *[(b'{"status":500}', '{"status":500}'), (b'["\\ud800",1e400]', '["\\ud800",1e400]')],
    ],
)
def test_a_function_that_returns_has_the_body_as_its_output(
    sdk: SdkDriver, serve: Serve, body: bytes, output: str
) -> None:
    outcome = answer_to(sdk, serve, reply(body, "200 OK", *SDK))
    assert (outcome.ok, outcome.output, outcome.opcodes, outcome.request_version) == (True, output, None, 2)


def test_a_function_that_plans_steps_has_opcodes(sdk: SdkDriver, serve: Serve) -> None:
    outcome = answer_to(sdk, serve, reply(OPCODES, "206 Partial Content", *SDK))
    assert (outcome.ok, outcome.output, outcome.opcodes, outcome.retryable) == (True, None, OPCODES.decode(), True)


def test_a_single_opcode_is_a_list_of_one(sdk: SdkDriver, serve: Serve) -> None:
    outcome = answer_to(sdk, serve, reply(b' {"op":"RunComplete"}', "206 Partial Content", *SDK))
    assert outcome.opcodes == '[{"op":"RunComplete"}]'


def test_opcodes_come_with_whether_and_when_to_try_again(sdk: SdkDriver, serve: Serve) -> None:
    more = ("x-inngest-no-retry: true", "retry-after: 7")
    outcome = answer_to(sdk, serve, reply(b'[{"op":"StepError"}]', "206 Partial Content", *SDK, *more))
    assert (outcome.ok, outcome.retryable, outcome.retry_after) == (True, False, 7.0)


@pytest.mark.parametrize(
    ("answered", "version"), [("0", 0), ("1", 1), ("-1", -1), ("two", None), ("\u00b2", None), ("9" * 5000, None)]
)
def test_the_version_that_an_sdk_answers_in_is_told(
    sdk: SdkDriver, serve: Serve, answered: str, version: int | None
) -> None:
    answer = reply(b"1", "200 OK", SDK[0], "x-inngest-req-version: VERSION")
    outcome = answer_to(sdk, serve, answer.replace(b"VERSION", answered.encode("latin-1")))
    assert (outcome.ok, outcome.request_version) == (True, version)


@pytest.mark.parametrize(
    ("status", "body", "held"),
    [
        (200, '{"a":1}', '{"a":1}'),
        (200, {"a": "\ud83d"}, '{"a": "\\ud83d"}'),
        (200, "", "null"),
        (206, OPCODES.decode(), OPCODES.decode()),
        (206, [{"op": 1}], '[{"op": 1}]'),
    ],
)
def test_a_streamed_answer_is_what_it_holds(sdk: SdkDriver, serve: Serve, status: int, body: object, held: str) -> None:
    outcome = answer_to(sdk, serve, stream({"status": status, "headers": {"X": "y"}, "body": body, "version": 2}))
    assert (outcome.ok, outcome.request_version) == (True, 2)
    assert (outcome.output, outcome.opcodes) == ((held, None) if status == 200 else (None, held))


def test_a_streamed_failure_is_one_with_the_headers_inside(sdk: SdkDriver, serve: Serve) -> None:
    headers = {"X-Inngest-No-Retry": "true", "x-inngest-req-version": 1}
    error = json.dumps({"name": "Bad", "message": "no", "stack": "at x"})
    outcome = answer_to(sdk, serve, stream({"status": 400, "headers": headers, "body": error}))
    assert error_of(outcome) == ("Bad", "no")
    assert (outcome.retryable, outcome.request_version) == (False, 1)


def test_a_stream_may_be_twice_as_long_as_its_output_for_it_is_json_in_json(sdk: SdkDriver, serve: Serve) -> None:
    output = json.dumps('"' * 2_000_000)
    outcome = answer_to(sdk, serve, stream({"status": 200, "body": output}))
    assert outcome.output == output
