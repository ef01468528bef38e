"""Redirects of step.fetch, followed as fetch does."""

import json
from typing import Any

import pytest

from drivers.gateway import GatewayDriver
from drivers.http_client import LONGEST_URL
from drivers.redirects import MOST
from tests.drivers.calls import error_of, gateway_call, run
from tests.drivers.server import Request, Serve, Server, reply


def moving(serve: Serve, status: str, location: str) -> Server:
    """A server that sends /old on, and says at any other place what came."""

    def answer(request: Request) -> bytes:
        if request.head.split(b" ")[1] == b"/old":
            return reply(b"", status, f"location: {location}")
        return reply(request.head.split(b" HTTP")[0] + b" " + request.body)

    return serve(answer)


def fetched(gateway: GatewayDriver, url: str, **opts: object) -> Any:
    outcome = run(gateway, gateway_call("Gateway", {"url": url} | opts))
    assert outcome.ok, outcome.error
    return json.loads(outcome.output or "")


@pytest.mark.parametrize(
    ("status", "method", "arrives"),
    [
        *[("301 x", "GET", "GET /new x"), ("301 x", "POST", "GET /new "), ("302 x", "PUT", "PUT /new x")],
        *[("302 x", "POST", "GET /new "), ("303 x", "PUT", "GET /new "), ("307 x", "POST", "POST /new x")],
        ("308 x", "DELETE", "DELETE /new x"),
    ],
)
def test_a_redirect_is_followed_with_the_method_that_its_status_means(
    gateway: GatewayDriver, serve: Serve, status: str, method: str, arrives: str
) -> None:
    server = moving(serve, status, "/new")
    assert fetched(gateway, server.url + "/old", method=method, body="x")["body"] == arrives


def test_a_secret_goes_no_further_than_the_origin_that_it_is_for(gateway: GatewayDriver, serve: Serve) -> None:
    headers = {"Authorization": "Bearer secret", "X-Other": "1"}
    elsewhere = serve(lambda _: reply())
    for target in ("/new", elsewhere.url):
        server = moving(serve, "307 x", target)
        fetched(gateway, server.url + "/old", headers=headers)
        arrived = (server if target == "/new" else elsewhere).requests[-1]
        assert arrived.header("authorization") == ("Bearer secret" if target == "/new" else None)
        assert arrived.header("x-other") == "1"


@pytest.mark.parametrize("location", ["mailto:a@b.c", "http://[::1", "", "/" + "x" * LONGEST_URL])
def test_a_redirect_that_leads_to_no_url_is_the_result(gateway: GatewayDriver, serve: Serve, location: str) -> None:
    server = moving(serve, "302 x", location)
    assert fetched(gateway, server.url + "/old")["status_code"] == 302


def test_a_circle_of_redirects_is_left(gateway: GatewayDriver, serve: Serve) -> None:
    server = moving(serve, "302 x", "/old")
    assert fetched(gateway, server.url + "/old")["status_code"] == 302
    assert len(server.requests) == MOST + 1


def test_redirects_share_the_time_of_the_step(gateway: GatewayDriver, serve: Serve) -> None:
    def answer(_: Request) -> None:
        server.ending.wait()

    server = serve(answer)
    first = moving(serve, "302 x", server.url)
    outcome = run(gateway, gateway_call("Gateway", {"url": first.url + "/old"}, timeout=0.3))
    assert error_of(outcome) == ("StepTimeout", "the step did not finish within 0.3 s")


def test_the_request_of_a_model_is_not_sent_on(gateway: GatewayDriver, serve: Serve) -> None:
    server = moving(serve, "307 x", "/new")
    outcome = run(gateway, gateway_call("AIGateway", {"url": server.url + "/old", "auth_key": "sk-secret"}))
    assert "307 x to /new; redirects are not followed" in error_of(outcome)[1]
    assert len(server.requests) == 1
