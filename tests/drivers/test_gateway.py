import gzip
import json
import socket
from typing import Any

import pytest

from drivers.contract import Limits, Outcome
from drivers.gateway import GatewayDriver
from tests.drivers.calls import error_of, gateway_call, run
from tests.drivers.server import Request, Serve, reply

SECRET = "sk-do-not-tell"


def fetch(gateway: GatewayDriver, url: str, **opts: object) -> Outcome:
    return run(gateway, gateway_call("Gateway", {"url": url} | opts))


def infer(gateway: GatewayDriver, url: str, **opts: object) -> Outcome:
    return run(gateway, gateway_call("AIGateway", {"type": "step.ai.infer", "url": url, "auth_key": SECRET} | opts))


def result_of(outcome: Outcome) -> Any:
    assert outcome.ok, outcome.error
    assert outcome.output is not None
    return json.loads(outcome.output)


def test_a_fetch_is_made_as_the_step_would_make_it(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"made", "201 Created", "X-Seen: 1"))
    headers = {"X-A": "b", "content-type": "text/csv", "Host": "evil", "content-length": "99", "Accept-Encoding": "br"}
    outcome = fetch(gateway, server.url + "/a b?x=1", method="put", headers=headers, body="ü,1")
    (request,) = server.requests
    assert request.head.startswith(b"PUT /a%20b?x=1 HTTP/1.1\r\n")
    assert request.body == "ü,1".encode()
    sent = {"x-a": "b", "content-type": "text/csv", "accept-encoding": "identity", "content-length": "4"}
    assert {name: request.header(name) for name in sent} == sent
    assert request.header("host") == server.url.removeprefix("http://")
    result = result_of(outcome)
    assert (result["status_code"], result["body"], result["headers"]["x-seen"]) == (201, "made", "1")


def test_a_fetch_is_a_get_without_a_body_unless_it_says_more(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"x"))
    assert result_of(fetch(gateway, server.url, headers=None))["status_code"] == 200
    fetch(gateway, server.url, method="POST", body="x")
    fetch(gateway, server.url, method="POST", body={"a": 1})
    get, text, document = server.requests
    assert get.head.startswith(b"GET / HTTP/1.1\r\n")
    assert (get.header("content-length"), get.header("content-type")) == (None, None)
    assert (text.header("content-type"), text.body) == ("text/plain;charset=UTF-8", b"x")
    assert (document.header("content-type"), document.body) == ("application/json", b'{"a":1}')
    assert server.connections == 1


@pytest.mark.parametrize("status", ["300 Choose", "404 Not Found", "429 Slow", "500 Oops"])
def test_any_status_is_a_result_of_a_fetch(gateway: GatewayDriver, serve: Serve, status: str) -> None:
    server = serve(lambda _: reply(b"no", status, "location: /x"))
    result = result_of(fetch(gateway, server.url))
    assert (result["status_code"], result["body"], result["headers"]["location"]) == (int(status[:3]), "no", "/x")


@pytest.mark.parametrize("status", ["204 No Content", "205 Reset", "304 Not Modified"])
def test_an_answer_that_can_have_no_body_has_none(gateway: GatewayDriver, serve: Serve, status: str) -> None:
    server = serve(lambda _: f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
    assert result_of(fetch(gateway, server.url))["body"] is None


def test_an_answer_to_head_ends_with_its_headers(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    result = result_of(fetch(gateway, server.url, method="HEAD"))
    assert (result["headers"], result["body"]) == ({"content-length": "1000"}, "")


def test_a_body_is_text_in_the_charset_that_it_names(gateway: GatewayDriver, serve: Serve) -> None:
    def answer(request: Request) -> bytes:
        kind = request.head.split(b" ")[1][1:]
        return reply("é".encode("latin-1")).replace(b"application/json", b"text/plain; charset=" + kind)

    server = serve(answer)
    bodies = [
        result_of(fetch(gateway, f"{server.url}/{kind}"))["body"] for kind in ("latin-1", "utf-8", "no-such", "hex")
    ]
    assert bodies == ["é", "\ufffd", "\ufffd", "\ufffd"]


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "raw_unicode_escape", "utf-7"])
def test_a_charset_that_is_no_texts_is_not_obeyed(gateway: GatewayDriver, serve: Serve, charset: str) -> None:
    body = b"\\ud800 +2AA-"
    server = serve(lambda _: reply(body).replace(b"application/json", b"text/plain; charset=" + charset.encode()))
    assert result_of(fetch(gateway, server.url))["body"] == body.decode()


def test_a_body_that_was_decoded_no_longer_says_how(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(gzip.compress(b"hello"), "200 OK", "Content-Encoding: gzip"))
    result = result_of(fetch(gateway, server.url))
    assert (result["headers"], result["body"]) == ({"content-type": "application/json"}, "hello")


@pytest.mark.parametrize("body", [b"x" * 200_000, b"\x01" * 30_000])
def test_a_result_over_the_limit_fails_for_good(gateway: GatewayDriver, serve: Serve, body: bytes) -> None:
    server = serve(lambda _: reply(body))
    outcome = run(gateway, gateway_call("Gateway", {"url": server.url}, limits=Limits(output_bytes=100_000)))
    assert (error_of(outcome)[0], outcome.retryable) == ("OutputTooLarge", False)


@pytest.mark.parametrize(
    "opts",
    [
        *[{"url": None}, {"url": f"ftp://{SECRET}/"}, {"url": f"http://:{SECRET}@/"}, {"url": "http://a\ud800/"}],
        *[
            {"method": "CONNECT"},
            {"method": "GET x"},
            {"headers": {"a b": SECRET}},
            {"headers": {"a": f"{SECRET}\r\nx: y"}},
        ],
        *[{"body": {"a": "\ud800"}}, {"headers": {"a": "\u20ac"}}],
    ],
)
def test_a_request_that_cannot_be_sent_fails_for_good(gateway: GatewayDriver, opts: dict[str, object]) -> None:
    outcome = run(gateway, gateway_call("Gateway", {"url": "http://127.0.0.1:1/"} | opts))
    assert (error_of(outcome)[0], outcome.retryable) == ("InvalidRequest", False)
    assert SECRET not in str(outcome)


@pytest.mark.parametrize("op", ["Gateway", "AIGateway"])
def test_a_server_that_is_down_is_tried_again(gateway: GatewayDriver, op: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://me:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/?key={SECRET}"
    outcome = run(gateway, gateway_call(op, {"url": url}))
    assert (error_of(outcome)[0], outcome.retryable) == ("HttpConnectionError", True)
    assert SECRET not in str(outcome)


def test_the_path_of_a_fetch_may_be_a_secret_so_it_is_not_told(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: None)
    message = error_of(fetch(gateway, f"{server.url}/bot{SECRET}/send"))[1]
    assert message.startswith(f"GET {server.url} failed: ")


@pytest.mark.parametrize(
    ("opts", "sent"),
    [
        ({"format": "openai-chat"}, {"authorization": f"Bearer {SECRET}", "x-api-key": None}),
        ({"format": "grok"}, {"authorization": f"Bearer {SECRET}"}),
        ({}, {"authorization": f"Bearer {SECRET}"}),
        ({"headers": {"Authorization": "mine"}}, {"authorization": "mine"}),
        ({"auth_key": ""}, {"authorization": None}),
        (
            {"format": "anthropic", "headers": None},
            {"x-api-key": SECRET, "anthropic-version": "2023-06-01", "authorization": None},
        ),
        ({"format": "anthropic", "headers": {"anthropic-version": "2099-01-01"}}, {"anthropic-version": "2099-01-01"}),
        ({"format": "azure-openai"}, {"api-key": SECRET, "authorization": None}),
    ],
)
def test_a_model_is_shown_the_key_in_its_providers_way(
    gateway: GatewayDriver, serve: Serve, opts: dict[str, object], sent: dict[str, str | None]
) -> None:
    server = serve(lambda _: reply(b'{"choices":[]}'))
    outcome = infer(gateway, server.url + "/v1/chat", body={"model": "m", "messages": []}, **opts)
    assert (outcome.ok, outcome.output) == (True, '{"choices":[]}')
    (request,) = server.requests
    assert request.head.startswith(b"POST /v1/chat HTTP/1.1\r\n")
    assert request.body == b'{"model":"m","messages":[]}'
    assert request.header("content-type") == "application/json"
    assert {name: request.header(name) for name in sent} == sent


@pytest.mark.parametrize("query", ["", "?alt=json", f"?key={SECRET}"])
def test_gemini_is_shown_the_key_in_the_url_once(gateway: GatewayDriver, serve: Serve, query: str) -> None:
    server = serve(lambda _: reply(b"{}"))
    assert infer(gateway, f"{server.url}/v1beta/m:generateContent{query}", format="gemini", body={}).ok
    (request,) = server.requests
    assert request.head.split(b" ")[1].count(f"key={SECRET}".encode()) == 1
    assert request.header("authorization") is None


def test_a_number_in_a_models_answer_is_not_its_status(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b'{"status":500}'))
    assert result_of(infer(gateway, server.url)) == {"status": 500}


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *[("400 Bad", False), ("401 Unauthorized", False), ("404 Not Found", False)],
        *[
            ("307 Elsewhere", True),
            ("408 Timeout", True),
            ("429 Slow", True),
            ("500 Oops", True),
            ("529 Overloaded", True),
        ],
    ],
)
def test_a_model_that_fails_says_why_without_the_key(
    gateway: GatewayDriver, serve: Serve, status: str, retryable: bool
) -> None:
    body = json.dumps({"error": {"type": "x", "message": f"bad key {SECRET}, no"}}).encode()
    server = serve(lambda _: reply(body, status, "retry-after: 20"))
    outcome = infer(gateway, f"{server.url}/v1?key={SECRET}")
    name, message = error_of(outcome)
    assert name == "AIGatewayError"
    assert message.startswith(f"POST {server.url}/v1 answered {status}")
    assert message.endswith(": bad key ***, no")
    assert (outcome.retryable, outcome.retry_after) == (retryable, 20.0 if retryable else None)
    assert SECRET not in str(outcome)


def test_a_secret_header_is_not_told_either(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda request: reply((request.header("authorization") or "").encode(), "403 No"))
    outcome = infer(gateway, server.url, auth_key="", headers={"Authorization": f"Bearer {SECRET}"})
    assert "which begins '***'" in error_of(outcome)[1]


@pytest.mark.parametrize("body", [b"data: {}\n\n", b"", b'"\xff"', b"{"])
def test_a_model_that_answers_no_json_is_told(gateway: GatewayDriver, serve: Serve, body: bytes) -> None:
    outcome = infer(gateway, serve(lambda _: reply(body)).url)
    assert "answered 200 with what is not JSON" in error_of(outcome)[1]
    assert outcome.retryable


def test_a_models_answer_over_the_limit_or_too_deep_fails_for_good(gateway: GatewayDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"[" * 3000 + b"]" * 3000))
    for limit, name in ((4000, "OutputTooLarge"), (8000, "OutputTooDeep")):
        call = gateway_call("AIGateway", {"url": server.url}, limits=Limits(output_bytes=limit))
        outcome = run(gateway, call)
        assert (error_of(outcome)[0], outcome.retryable) == (name, False)


def test_a_request_that_hangs_is_ended_at_its_timeout(gateway: GatewayDriver, serve: Serve) -> None:
    def answer(_: Request) -> None:
        server.ending.wait()

    server = serve(answer)
    outcome = run(gateway, gateway_call("Gateway", {"url": server.url}, timeout=0.3))
    assert error_of(outcome)[0] == "StepTimeout"
