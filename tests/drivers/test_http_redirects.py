"""Redirects of http steps: within the same host only."""

import pytest

from drivers.http import HttpDriver
from drivers.http_client import LONGEST_URL, target_of
from drivers.http_client import Request as Asked
from drivers.http_exchange import Answer
from drivers.http_redirects import MOST, SameHost
from tests.drivers.calls import PAYLOAD, error_of, http_call, run
from tests.drivers.server import Request, Serve, Server, reply


def moving(serve: Serve, status: str, location: str) -> Server:
    """A server that sends /old on, and answers with what came at any other place."""

    def answer(request: Request) -> bytes:
        if request.head.split(b" ")[1].startswith(b"/old"):
            return reply(b"{}", status, f"location: {location}")
        return reply(request.body)

    return serve(answer)


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_step_that_has_moved_within_its_host_gets_its_whole_input(
    http: HttpDriver, serve: Serve, status: str
) -> None:
    server = moving(serve, status, "/new/place?x=1")
    outcome = run(http, http_call(server.url + "/old", attempt=2))
    assert outcome.output == PAYLOAD.decode()
    old, new = server.requests
    assert new.head.split(b"\r\n")[0] == b"POST /new/place?x=1 HTTP/1.1"
    assert (new.body, new.header("x-inngest-attempt")) == (PAYLOAD, "2")
    assert old.head.split(b"\r\n")[1:] == new.head.split(b"\r\n")[1:]


def test_a_location_may_be_a_whole_url_of_the_same_origin(http: HttpDriver, serve: Serve) -> None:
    server = moving(serve, "307 x", "")
    server.answer = lambda request: (
        reply(b"", "307 x", f"location: {server.url}/new") if b"/old" in request.head else reply(b"1")
    )
    outcome = run(http, http_call(server.url.replace("//", "//me:s3cret@") + "/old"))
    assert outcome.output == "1"
    assert [request.header("authorization") for request in server.requests] == ["Basic bWU6czNjcmV0"] * 2


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other"])
def test_a_redirect_that_changes_the_method_is_not_followed(http: HttpDriver, serve: Serve, status: str) -> None:
    server = moving(serve, status, "/new")
    message = (
        f"answered {status} to {server.url}/new; redirects that change the method (301, 302, 303) are not followed"
    )
    outcome = run(http, http_call(server.url + "/old"))
    assert error_of(outcome) == ("HttpError", f"POST {server.url}/old {message}")
    assert (len(server.requests), outcome.retryable) == (1, True)


@pytest.mark.parametrize("other", ["port", "scheme", "name", "relative name"])
def test_no_other_host_sees_the_input(http: HttpDriver, serve: Serve, other: str) -> None:
    elsewhere = serve(lambda _: reply())
    server = moving(serve, "307 x", "")
    where = {
        "port": elsewhere.url + "/new",
        "scheme": server.url.replace("http:", "https:") + "/new",
        "name": server.url.replace("127.0.0.1", "localhost") + "/new",
        "relative name": "//" + elsewhere.url.removeprefix("http://") + "/new",
    }[other]
    server.answer = lambda _: reply(b"", "307 x", f"location: {where.replace('//', '//a:s3cret@')}?key=s3cret")
    _, message = error_of(run(http, http_call(server.url + "/old")))
    shown = where if where.startswith("http") else "http:" + where
    assert message.endswith(f"307 x to {shown}; redirects to another host, scheme or port are not followed")
    assert (len(server.requests), elsewhere.connections) == (1, 0)


@pytest.mark.parametrize("location", ["mailto:a@b.c", "http://[::1", "file:///etc/passwd"])
def test_a_redirect_to_what_is_no_url_is_told(http: HttpDriver, serve: Serve, location: str) -> None:
    server = moving(serve, "307 x", location)
    _, message = error_of(run(http, http_call(server.url + "/old")))
    assert message.endswith(f"307 x to {location}; only redirects within the same host are followed")


def test_a_location_too_long_for_a_url_is_not_followed(http: HttpDriver, serve: Serve) -> None:
    server = moving(serve, "307 x", "/new" + "x" * LONGEST_URL)
    _, message = error_of(run(http, http_call(server.url + "/old")))
    assert message.endswith("xxx; only redirects within the same host are followed")
    assert (len(server.requests), len(message) < 3_000) == (1, True)


def test_a_circle_is_left(http: HttpDriver, serve: Serve) -> None:
    server = moving(serve, "307 x", "/old")
    _, message = error_of(run(http, http_call(server.url + "/old")))
    assert message.endswith(f"to {server.url}/old; no more than {MOST} redirects in a row are followed")
    assert len(server.requests) == MOST + 1


def test_redirects_share_the_time_of_the_step(http: HttpDriver, serve: Serve) -> None:
    def answer(request: Request) -> bytes | None:
        if b"/old" in request.head:
            return reply(b"", "307 x", "location: /new")
        server.ending.wait()
        return None

    server = serve(answer)
    outcome = run(http, http_call(server.url + "/old", timeout=0.3))
    assert error_of(outcome) == ("StepTimeout", "the step did not finish within 0.3 s")


@pytest.mark.parametrize(
    ("start", "location", "followed"),
    [
        ("http://a.example/x", "https://a.example/y", True),
        ("http://A.example:80/x", "https://a.EXAMPLE:443/y", True),
        ("http://a.example:8080/x", "https://a.example/y", False),
        ("http://a.example/x", "https://a.example:8443/y", False),
        ("https://a.example/x", "http://a.example/y", False),
        ("http://a.example/x", "https://b.a.example/y", False),
    ],
)
def test_a_host_may_move_its_step_to_https(start: str, location: str, followed: bool) -> None:
    target = target_of(start.replace("//", "//me:s3cret@"))
    seen = []

    def again(new: object) -> Asked:
        seen.append(new)
        return Asked(target.origin, b"", b"", "")

    redirects = SameHost(start, target, Asked(target.origin, b"", b"", ""), again)
    assert (redirects.next(Answer(307, "x", {"location": location}, b"", True)) is not None) is followed
    assert [new.authorization for new in seen] == [None] * followed  # type: ignore[attr-defined]
