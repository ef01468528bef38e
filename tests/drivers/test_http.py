import dataclasses
import json

import pytest

from drivers.contract import Limits
from drivers.http import HttpDriver
from drivers.http_client import LONGEST_URL
from tests.drivers.calls import PAYLOAD, error_of, http_call, run
from tests.drivers.server import Serve, reply


def test_the_step_is_a_post_of_its_input_with_headers_that_say_which_it_is(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply())
    run(http, http_call(server.url + "/hook/a%20b?x=1&y=%2F", attempt=3))
    (request,) = server.requests
    assert request.head.split(b"\r\n")[0] == b"POST /hook/a%20b?x=1&y=%2F HTTP/1.1"
    assert request.body == PAYLOAD
    assert request.header("content-type") == "application/json"
    assert request.header("host") == server.url.removeprefix("http://")
    assert request.header("x-run-id") == "run-1"
    assert request.header("x-inngest-step-id") == "step-1"
    assert request.header("x-inngest-attempt") == "3"


def test_an_answer_without_a_body_is_an_empty_text(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n")
    for _ in range(2):
        assert run(http, http_call(server.url)).output == '{"body":""}'
    assert server.connections == 1


def test_text_that_is_not_json_becomes_a_body(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b'all "good"\x00\xff'))
    assert json.loads(run(http, http_call(server.url)).output or "") == {"body": 'all "good"\x00\ufffd'}


@pytest.mark.parametrize("text", [b"[1e400000]", b'{"a": "\\ud800" }', b'\n{"b":1,"a":0.10}\n', b'{"a":1,"a":2}'])
def test_an_output_is_kept_byte_for_byte(http: HttpDriver, serve: Serve, text: bytes) -> None:
    server = serve(lambda _: reply(text))
    assert run(http, http_call(server.url)).output == text.decode()


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *[("400 Bad", False), ("404 Not Found", False), ("499 x", False)],
        *[("408 Timeout", True), ("425 Early", True), ("429 Slow", True)],
        *[("500 Oops", True), ("503 Busy", True), ("599 x", True), ("304 Same", True)],
    ],
)
def test_a_4xx_fails_for_good_but_for_those_that_ask_for_another_try(
    http: HttpDriver, serve: Serve, status: str, retryable: bool
) -> None:
    server = serve(lambda _: reply(b'{"statusCode":404}' if status[0] != "3" else b"", status))
    outcome = run(http, http_call(server.url))
    name, message = error_of(outcome)
    assert name == "HttpError"
    assert message.startswith(f"POST {server.url}/ answered {status}")
    assert outcome.retryable is retryable
    assert outcome.output == ('{"statusCode":404}' if status[0] != "3" else None)


def test_a_server_can_say_that_another_try_is_no_use(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"{}", "500 Oops", "X-Inngest-No-Retry: true", "Retry-After: 7"))
    outcome = run(http, http_call(server.url))
    assert (outcome.retryable, outcome.retry_after) == (False, None)


def test_retry_after_is_passed_on(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"{}", "429 Slow Down", "Retry-After: 7"))
    assert run(http, http_call(server.url)).retry_after == 7.0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "a/b",
        "",
        "http://",
        "http://a:port/",
        "http://[::1",
        "http://a..b/",
        "http://a b/",
    ],
)
def test_only_http_urls_are_called(http: HttpDriver, url: str) -> None:
    outcome = run(http, http_call(url))
    assert error_of(outcome)[0] == "InvalidURL"
    assert not outcome.retryable


def test_a_password_in_the_url_is_sent_but_never_shown(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"{}", "500 Oops"))
    outcome = run(http, http_call(server.url.replace("//", "//me:s3cret@")))
    assert server.requests[0].header("authorization") == "Basic bWU6czNjcmV0"
    assert "s3cret" not in str(outcome)


def test_odd_ids_do_not_break_the_headers(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply())
    call = dataclasses.replace(http_call(server.url), step_id="schritt ü\r\nx: y")
    assert run(http, call).ok
    assert server.requests[0].header("x-inngest-step-id") == "schritt%20%C3%BC%0D%0Ax%3A%20y"


def test_a_failing_answer_over_the_limit_is_told_without_its_body(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b'"' + b"x" * 5000 + b'"', "503 Busy"))
    outcome = run(http, http_call(server.url, limits=Limits(output_bytes=1000)))
    assert error_of(outcome)[0] == "HttpError"
    assert (outcome.output, outcome.retryable) == (None, True)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/" + "x" * LONGEST_URL, "the step's url has 16,403 characters; 16,384 are allowed"),
        ("http://" + "a." * 127 + "com/", "names a host that cannot be"),
        ("http://" + "ü" * 250 + "/", "label empty or too long"),
    ],
)
def test_a_url_too_long_is_refused(http: HttpDriver, url: str, words: str) -> None:
    outcome = run(http, http_call(url))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("InvalidURL", False)
    assert words in message
