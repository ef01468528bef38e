"""Answers of functions that fail, and of what is no SDK."""

import json
import socket

import pytest

from drivers.contract import Abort, Limits, Outcome, StepError
from drivers.sdk import SdkDriver
from tests.drivers.calls import error_of, run, sdk_call
from tests.drivers.server import Request, Serve, reply
from tests.drivers.test_sdk import KEY, SDK, answer_to, stream


def failure(body: object, *headers: str, status: str = "500 Oops") -> bytes:
    return reply(json.dumps(body).encode(), status, *SDK, *headers)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "TypeError", "message": "no", "stack": "at x"}, StepError("TypeError", "no", "at x")),
        ({"code": "unknown", "name": "Bad", "message": "no", "stack": None}, StepError("Bad", "no", "")),
        ({"error": "Could not find step"}, StepError("Error", "Could not find step", "")),
        ({"error": {"name": "Bad", "message": "no"}}, StepError("Bad", "no", "")),
        ({"type": "internal", "name": "Bad", "message": "no", "stack": "s"}, StepError("Bad", "no", "s")),
        ({"code": "internal_server_error"}, StepError("Error", "internal_server_error", "")),
        ('{"name":"Bad","message":"no"}', StepError("Bad", "no", "")),
        ("just words", StepError("Error", "just words", "")),
        ({"name": "N\ud800", "message": "a\x00b"}, StepError("N\ufffd", "a\ufffdb", "")),
    ],
)
def test_a_function_fails_with_its_own_error(sdk: SdkDriver, serve: Serve, body: object, error: StepError) -> None:
    outcome = answer_to(sdk, serve, failure(body))
    assert outcome.error == error
    assert (outcome.retryable, outcome.retry_after, outcome.request_version) == (True, None, 2)


@pytest.mark.parametrize("body", [b"", b"<h1>Oops</h1>", b"{", b"[" * 5000, b"7", b'{"message":1}'])
def test_a_failure_that_names_no_error_tells_the_status_and_what_came(
    sdk: SdkDriver, serve: Serve, body: bytes
) -> None:
    name, message = error_of(answer_to(sdk, serve, reply(body, "500 Oops", *SDK)))
    assert name == "Error"
    assert "/api/inngest answered 500 Oops, " in message


@pytest.mark.parametrize("status", ["400 Bad", "500 Oops"])
def test_a_function_can_say_that_another_try_is_no_use(sdk: SdkDriver, serve: Serve, status: str) -> None:
    outcome = answer_to(
        sdk, serve, failure({"message": "no"}, "X-Inngest-No-Retry: true", "retry-after: 5", status=status)
    )
    assert (outcome.retryable, outcome.retry_after) == (False, None)


def test_a_function_can_say_when_to_try_again(sdk: SdkDriver, serve: Serve) -> None:
    late = ("x-inngest-no-retry: false", "date: Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After: 2026-01-01T00:00:30.5Z")
    outcome = answer_to(sdk, serve, failure({"message": "no"}, *late))
    assert (outcome.retryable, outcome.retry_after) == (True, 30.5)


@pytest.mark.parametrize(
    "status", ["200 OK", "201 Created", "206 Partial", "404 Not Found", "401 No", "502 Bad Gateway"]
)
def test_what_is_no_sdk_is_told_by_what_was_found(sdk: SdkDriver, serve: Serve, status: str) -> None:
    page = b"<!doctype html>\n<style>p { color: red }</style> <h1>Shop</h1>" + b"<p>Nothing here.</p>" * 100
    server = serve(lambda _: reply(page, status).replace(b"application/json", b"text/html"))
    outcome = run(sdk, sdk_call(server.url))
    name, message = error_of(outcome)
    assert name == "NotAnSdk"
    assert f"POST {server.url}/api/inngest answered {status} (text/html), which begins 'Shop Nothing here. " in message
    assert len(message) < 350
    assert outcome.retryable


def test_an_sdk_is_known_by_either_of_its_headers(sdk: SdkDriver, serve: Serve) -> None:
    assert answer_to(sdk, serve, reply(b"1", "200 OK", "X-INNGEST-SDK-HANDLED: true")).ok
    assert answer_to(sdk, serve, stream({"status": 200, "headers": {"X-Inngest-Sdk": "x"}, "body": "1"})).ok


def test_an_app_that_refuses_large_bodies_is_told_how_large_ours_was(sdk: SdkDriver, serve: Serve) -> None:
    outcome = run(sdk, sdk_call(serve(lambda _: reply(b"", "413 Too Large")).url, payload=b" " * 1234))
    assert "We sent 1,234 bytes; let the app's web framework accept larger bodies" in error_of(outcome)[1]


def test_a_redirect_is_not_followed_but_told(sdk: SdkDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"", "308 Moved", "Location: /api/inngest/"))
    assert "308 Moved to /api/inngest/; redirects are not followed" in error_of(run(sdk, sdk_call(server.url)))[1]
    assert len(server.requests) == 1


@pytest.mark.parametrize(("key", "advice"), [(KEY, "INNGEST_SIGNING_KEY"), (None, "INNGEST_DEV=1")])
def test_an_app_that_refuses_our_signature_is_told_with_what_to_check(
    sdk: SdkDriver, serve: Serve, key: str | None, advice: str
) -> None:
    server = serve(lambda _: reply(b'{"message":"Unauthorized"}', "401 Unauthorized", "x-inngest-sdk-handled: true"))
    outcome = run(sdk, sdk_call(server.url, signing_key=key))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("Unauthorized", True)
    assert advice in message
    assert "ab" * 32 not in message


@pytest.mark.parametrize("status", ["200 OK", "206 Partial Content"])
@pytest.mark.parametrize("body", [b'{"a":', b"<html>", b'"\xff"', b"NaN"])
def test_an_answer_that_is_not_json_is_told(sdk: SdkDriver, serve: Serve, status: str, body: bytes) -> None:
    outcome = answer_to(sdk, serve, reply(body, status, *SDK))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("InvalidAnswer", True)
    assert f"answered {status[:3]} with what is not JSON" in message


@pytest.mark.parametrize("body", [b"1", b'"x"', b"null"])
def test_opcodes_are_a_list(sdk: SdkDriver, serve: Serve, body: bytes) -> None:
    message = error_of(answer_to(sdk, serve, reply(body, "206 Partial Content", *SDK)))[1]
    assert "answered 206 without a list of opcodes" in message


@pytest.mark.parametrize(
    "text",
    [b"", b"   ", b'  {"status":200,"bo', b'{"body":"1"}', b'{"status":"200"}', b'{"status":0}', b"[]", b"[" * 9999],
)
def test_a_stream_that_holds_no_answer_is_told(sdk: SdkDriver, serve: Serve, text: bytes) -> None:
    outcome = answer_to(sdk, serve, reply(text, "201 Created", *SDK))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("InvalidAnswer", True)
    assert "answered with a stream that is not whole" in message


@pytest.mark.parametrize("status", ["200 OK", "206 Partial Content", "201 Created"])
def test_an_answer_over_the_limit_fails_for_good(sdk: SdkDriver, serve: Serve, status: str) -> None:
    def flood(request: Request) -> None:
        request.connection.sendall(f"HTTP/1.1 {status}\r\nx-inngest-sdk: x\r\n\r\n[".encode())
        while not server.ending.is_set():
            request.connection.sendall(b" " * 65536)

    server = serve(flood)
    outcome = run(sdk, sdk_call(server.url, limits=Limits(output_bytes=100_000)))
    assert error_of(outcome)[0] == "OutputTooLarge"
    assert not outcome.retryable


def test_an_output_over_the_limit_in_a_stream_fails_for_good(sdk: SdkDriver, serve: Serve) -> None:
    inside = {"status": 200, "body": json.dumps("x" * 100_000)}
    server = serve(lambda _: stream(inside))
    assert error_of(run(sdk, sdk_call(server.url, limits=Limits(output_bytes=100_000))))[0] == "OutputTooLarge"


def test_an_output_nested_too_deep_fails_for_good(sdk: SdkDriver, serve: Serve) -> None:
    outcome = answer_to(sdk, serve, reply(b"[" * 3000 + b"]" * 3000, "200 OK", *SDK))
    assert (error_of(outcome)[0], outcome.retryable) == ("OutputTooDeep", False)


def test_an_app_that_is_down_is_tried_again(sdk: SdkDriver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    outcome = run(sdk, sdk_call(url))
    cause = f"POST {url}/api/inngest failed: Connection refused (ConnectionRefusedError)"
    assert (error_of(outcome), outcome.retryable) == (("HttpConnectionError", cause), True)


def test_an_app_that_does_not_answer_is_left_at_the_timeout_or_on_an_abort(sdk: SdkDriver, serve: Serve) -> None:
    def answer(_: Request) -> None:
        server.ending.wait()

    server = serve(answer)
    assert error_of(run(sdk, sdk_call(server.url, timeout=0.3)))[0] == "StepTimeout"
    abort = Abort()
    abort.set()
    outcome: Outcome = sdk.run(sdk_call(server.url), abort)
    assert error_of(outcome)[0] == "StepAborted"


def test_an_input_that_cannot_be_signed_fails_for_good(sdk: SdkDriver) -> None:
    outcome = run(sdk, sdk_call("http://127.0.0.1:1", payload=b"[" * 5000 + b"]" * 5000, signing_key=KEY))
    assert error_of(outcome) == (
        "UnsignableInput",
        "the function's input cannot be signed: the text is nested too deep",
    )
    assert not outcome.retryable


def test_only_http_urls_are_called(sdk: SdkDriver) -> None:
    outcome = run(sdk, sdk_call("wss://a"))
    assert (error_of(outcome)[0], outcome.retryable) == ("InvalidURL", False)
