"""The transport that drivers share, seen through the http driver."""

import gzip
import resource
import socket
import threading
import time
from pathlib import Path

import pytest

from drivers.contract import Abort, Limits
from drivers.http import HttpDriver
from tests.drivers.calls import PAYLOAD, error_of, http_call, run
from tests.drivers.server import Request, Serve, reply

CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""For 127.0.0.1, signed by itself, with its key. Made by `openssl req -x509 -newkey ec -days 36500`."""


def test_a_connection_is_kept_and_used_again(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply())
    for _ in range(5):
        assert run(http, http_call(server.url)).ok
    assert server.connections == 1


def test_a_kept_connection_that_the_server_closed_is_not_the_steps_failure(http: HttpDriver, serve: Serve) -> None:
    # It closes on receiving the second request, the moment that no check before sending can see.
    server = serve(lambda request: reply() if request.number == 0 else None)
    assert all(run(http, http_call(server.url)).ok for _ in range(4))


def test_a_server_that_answers_nothing_fails_the_step_after_one_try(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: None)
    name, message = error_of(run(http, http_call(server.url)))
    assert name == "HttpConnectionError"
    assert server.url in message
    assert len(server.requests) == 1


def test_an_answer_cut_short_is_a_failure(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda request: request.connection.sendall(reply(b'{"a":1}')[:-3]))
    outcome = run(http, http_call(server.url))
    assert error_of(outcome)[0] == "HttpConnectionError"
    assert outcome.retryable


def test_what_is_no_http_is_a_failure(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda request: request.connection.sendall(b"220 mail.example.com ESMTP\r\n"))
    assert error_of(run(http, http_call(server.url)))[0] == "HttpConnectionError"


def test_a_server_that_changes_protocols_is_a_failure(http: HttpDriver, serve: Serve) -> None:
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00"
    name, message = error_of(run(http, http_call(serve(lambda _: upgrade).url)))
    assert name == "HttpConnectionError"
    assert message.endswith(" failed: it wants to change protocols")


@pytest.mark.parametrize("piece", [b"x: y\r\n" * 5_000, b"1;" + b"x" * 60_000 + b"\r\n1\r\n", b"y" * 30_000])
def test_what_comes_beside_a_body_is_not_read_for_ever(http: HttpDriver, serve: Serve, piece: bytes) -> None:
    """Trailers, one endless trailer, and chunks whose extensions say more than they."""

    def flood(request: Request) -> None:
        start = b"" if piece.startswith(b"1;") else b"2\r\n{}\r\n0\r\n"
        request.connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + start)
        while not server.ending.is_set():
            request.connection.sendall(piece)

    server = serve(flood)
    name, message = error_of(run(http, http_call(server.url, timeout=5.0)))
    assert name == "HttpConnectionError"
    assert message.endswith("the answer's body does not go on, nor end")


def test_a_body_in_the_smallest_chunks_is_read(http: HttpDriver, serve: Serve) -> None:
    chunks = b"1\r\n1\r\n" * 200_000
    server = serve(lambda _: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert run(http, http_call(server.url)).output == "1" * 200_000


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n" + b'{"a":1}',
        b"HTTP/1.0 200 OK\r\ncontent-length: 7\r\n\r\n" + b'{"a":1}',
        b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\ntrailer: x\r\n\r\n',
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n" + b'{"a":1}',
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n" + b'{"a":1}',
    ],
    ids=["until close", "http 1.0", "chunked", "after 100", "after 103"],
)
def test_a_body_ends_as_its_framing_says(http: HttpDriver, serve: Serve, answer: bytes) -> None:
    server = serve(lambda request: request.connection.sendall(answer))
    for _ in range(2):
        outcome = run(http, http_call(server.url))
        assert (outcome.ok, outcome.output) == (True, '{"a":1}')


def test_a_refused_connection_is_tried_again_and_named(http: HttpDriver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    outcome = run(http, http_call(url))
    assert error_of(outcome) == (
        "HttpConnectionError",
        f"POST {url}/ failed: Connection refused (ConnectionRefusedError)",
    )
    assert outcome.retryable


def test_a_name_that_does_not_resolve_is_tried_again_and_named(http: HttpDriver) -> None:
    outcome = run(http, http_call("http://no-such-host.invalid/x"))
    assert error_of(outcome)[1].startswith("POST http://no-such-host.invalid/x failed: ")
    assert "gaierror" in error_of(outcome)[1]
    assert outcome.retryable


def test_tls_against_a_server_without_it_is_tried_again_and_named(http: HttpDriver) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, daemon=True).start()
        outcome = run(http, http_call(f"https://127.0.0.1:{listener.getsockname()[1]}"))
    assert error_of(outcome)[0] == "HttpConnectionError"
    assert "SSL" in error_of(outcome)[1]
    assert outcome.retryable


def test_a_certificate_that_no_one_vouches_for_is_refused(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(), tls=CERTIFICATE)
    assert "certificate verify failed" in error_of(run(http, http_call(server.url)))[1]
    assert server.requests == []


def test_a_step_is_called_over_tls(http: HttpDriver, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = serve(lambda request: reply(request.body), tls=CERTIFICATE)
    assert all(run(http, http_call(server.url)).output == PAYLOAD.decode() for _ in range(3))
    assert server.connections == 1


def test_a_handshake_that_hangs_is_ended_at_the_timeout(http: HttpDriver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        outcome = run(http, http_call(f"https://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3))
    assert error_of(outcome)[0] == "StepTimeout"
    assert time.monotonic() - started < 5.0


def test_a_hanging_call_over_tls_is_ended_at_its_timeout(
    http: HttpDriver, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: Request) -> None:
        server.ending.wait()

    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = serve(answer, tls=CERTIFICATE)
    assert error_of(run(http, http_call(server.url, timeout=0.3)))[0] == "StepTimeout"


def test_a_server_that_drips_is_ended_at_the_timeout(http: HttpDriver, serve: Serve) -> None:
    def drip(request: Request) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1000:
            request.connection.sendall(bytes([byte]))
            if server.ending.wait(0.05):
                return

    server = serve(drip)
    started = time.monotonic()
    assert error_of(run(http, http_call(server.url, timeout=0.4)))[0] == "StepTimeout"
    assert time.monotonic() - started < 5.0


def test_a_body_that_drips_is_ended_at_the_timeout(http: HttpDriver, serve: Serve) -> None:
    def drip(request: Request) -> None:
        request.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not server.ending.wait(0.05):
            request.connection.sendall(b"x")

    server = serve(drip)
    started = time.monotonic()
    assert error_of(run(http, http_call(server.url, timeout=0.4)))[0] == "StepTimeout"
    assert time.monotonic() - started < 5.0


def test_an_endless_body_is_read_to_the_limit_only(http: HttpDriver, serve: Serve) -> None:
    def flood(request: Request) -> None:
        request.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.ending.is_set():
            request.connection.sendall(b"x" * 65536)

    server = serve(flood)
    outcome = run(http, http_call(server.url, limits=Limits(output_bytes=100_000)))
    assert error_of(outcome)[0] == "OutputTooLarge"
    assert "the limit is 100,000 bytes" in error_of(outcome)[1]


def test_a_gzipped_answer_is_read(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(gzip.compress(b'{"a":1}'), "200 OK", "Content-Encoding: gzip"))
    assert run(http, http_call(server.url)).output == '{"a":1}'
    assert server.requests[0].header("accept-encoding") == "identity"


def test_a_gzip_bomb_is_stopped_at_the_limit(http: HttpDriver, serve: Serve) -> None:
    bomb = gzip.compress(b"0" * 500_000_000, 1)
    server = serve(lambda _: reply(bomb, "200 OK", "Content-Encoding: gzip"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert error_of(run(http, http_call(server.url, limits=Limits(output_bytes=1_000_000))))[0] == "OutputTooLarge"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_broken_gzip_is_a_failure(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"not gzip", "200 OK", "Content-Encoding: gzip"))
    assert error_of(run(http, http_call(server.url)))[0] == "HttpConnectionError"


def test_an_abort_ends_a_call_that_is_still_connecting(http: HttpDriver) -> None:
    # A listener whose queue is full: the kernel drops what else knocks, and connect() waits.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(address)
        abort = Abort()
        threading.Timer(0.2, abort.set).start()
        started = time.monotonic()
        outcome = http.run(http_call(f"http://127.0.0.1:{address[1]}"), abort)
        assert error_of(outcome)[0] == "StepAborted"
        assert 0.15 < time.monotonic() - started < 5.0
        for opened in waiting:
            opened.close()
