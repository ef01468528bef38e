"""What can go wrong on the way to a server: one line that names it, one that says what to do, never a traceback."""

import socket
import ssl
import subprocess
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.cli.servers import Reply, answering
from tests.cli.terminal import run

Environment = dict[str, str]
OURS = {"x-inngest-server-kind": "cloud"}


def _refusal(error: str, status: int) -> Reply:
    return Reply(status, b'{"error": "%b", "status": %d}' % (error.encode(), status), OURS)


@pytest.mark.parametrize(
    ("reply", "says", "advises"),
    [
        (_refusal("An API token is needed", 401), "An API token is needed", "inngest login"),
        (_refusal("This needs scope deploy", 403), "This needs scope deploy", "inngest whoami"),
        (_refusal("There is nothing at /v1/whoami", 404), "There is nothing", "inngest whoami"),
        (_refusal("It has already ended", 409), "It has already ended", ""),
        (_refusal("The request is too large", 413), "too large", ""),
        (Reply(429, b'{"error": "Slower", "status": 429}', OURS | {"retry-after": "7"}), "Slower", "try again in 7 s"),
        (_refusal("Internal Server Error", 500), "Internal Server Error", "the server's log says why"),
        (Reply(502, b"<html><head><title>502 Bad Gateway</title></head>", {}), "502 Bad Gateway", "try again"),
        (Reply(503, b'{"error": "Queue full", "status": 503}', OURS | {"retry-after": "2"}), "Queue full", "in 2 s"),
        (Reply(301, b"", {"location": "https://there.example/x"}), "301", "https://there.example"),
        (
            Reply(200, b"<html><title>Welcome to nginx!</title>", {}),
            "not an Inngest server: Welcome to nginx!",
            "check",
        ),
        (Reply(200, b"{}", {}), "not an Inngest server", "check"),
        (None, "broke", "try again"),
    ],
)
def test_each_refusal_is_a_sentence_with_a_next_step(
    person: Environment, reply: Reply | None, says: str, advises: str
) -> None:
    with answering(lambda _: reply) as server:
        said = run(["whoami"], person | {"INNGEST_API_URL": server.url, "INNGEST_API_TOKEN": "t"})
    assert (said.code, said.out) == (1, "")
    first, *rest = said.err.splitlines()
    assert first.startswith("error: ")
    assert says in first
    assert advises in "\n".join(rest)
    assert all(line.startswith("  ") for line in rest)


def test_nobody_listens(person: Environment) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        said = run(["runs"], person | {"INNGEST_API_URL": url})
    assert said.err.splitlines()[0] == f"error: {url} refuses the connection"


def test_there_is_no_such_host(person: Environment) -> None:
    said = run(["runs"], person | {"INNGEST_API_URL": "http://nowhere.invalid"})
    assert said.err.splitlines()[0] == "error: there is no host nowhere.invalid"


def test_a_certificate_that_nobody_vouches_for(person: Environment, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    made = ["openssl", *request.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        said = run(["runs"], person | {"INNGEST_API_URL": f"https://localhost:{server.server_address[1]}"})
    finally:
        server.shutdown()
        server.server_close()
    assert "is not trusted" in said.err
    assert "SSL_CERT_FILE" in said.err


def test_https_where_http_is_spoken(person: Environment) -> None:
    with answering(lambda _: Reply()) as server:
        said = run(["runs"], person | {"INNGEST_API_URL": server.url.replace("http:", "https:")})
    first, second = said.err.splitlines()
    assert first.endswith(" does not speak https on that port")
    assert server.url in second


def test_an_answer_that_never_ends_is_not_waited_for(person: Environment) -> None:
    """Completion has half a second, and says nothing."""
    hold = threading.Event()

    def wait(_: object) -> Reply:
        hold.wait(20)
        return Reply()

    words = {"_INNGEST_COMPLETE": "complete_bash", "COMP_WORDS": "inngest run-info ", "COMP_CWORD": "2"}
    with answering(wait) as server:
        said = run([], person | words | {"INNGEST_API_URL": server.url})
        hold.set()
    assert (said.out.strip(), said.err, said.code) == ("", "", 0)


@pytest.mark.parametrize("url", ["localhost:8288", "ftp://x", "https://", "https://x?a=1", "http://[::1", "nonsense"])
def test_an_address_that_is_none(person: Environment, url: str) -> None:
    said = run(["runs"], person | {"INNGEST_API_URL": url})
    assert said.code == 1
    assert said.err.startswith(f"error: INNGEST_API_URL is not a server's address: {url!r}")


def test_what_a_server_says_does_not_steer_the_terminal(person: Environment) -> None:
    text = "\\u001b[2J\\u001b]0;owned\\u0007[bold]\\u202e"
    with answering(lambda _: _refusal(text, 400)) as server:
        said = run(["whoami"], person | {"INNGEST_API_URL": server.url})
    assert said.err.splitlines()[0] == "error: \ufffd[2J\ufffd]0;owned\ufffd[bold]\ufffd"


def test_the_token_is_sent_to_the_server_and_nowhere_else(person: Environment) -> None:
    with answering(lambda _: Reply()) as other:
        with answering(lambda _: Reply(307, b"", {"location": f"{other.url}/"})) as server:
            run(["runs"], person | {"INNGEST_API_URL": server.url, "INNGEST_API_TOKEN": "secret"})
        assert server.asked[0].headers["authorization"] == "Bearer secret"
        assert other.asked == []


@pytest.mark.parametrize("token", ["two words", "a\nb", "ümlaut"])
def test_a_token_that_is_none_is_not_shown(person: Environment, token: str) -> None:
    said = run(["runs"], person | {"INNGEST_API_URL": "http://localhost:1", "INNGEST_API_TOKEN": token})
    assert said.err.startswith("error: INNGEST_API_TOKEN is no API token")
    assert token not in said.err
