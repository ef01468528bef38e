"""What a request can come back with instead of an answer, each with what to do about it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from apps.cli.json_text import decode
from apps.cli.printing import one_line
from apps.cli.problems import Problem
from apps.cli.servers import API_TOKEN, API_URL, DEV_URL, Server

_SHOWN = 300


class Refused(Problem):
    """The server said no. `body` is its answer's JSON, None if it was none."""

    def __init__(self, message: str, next_step: str, status: int, body: Any) -> None:
        super().__init__(message, next_step)
        self.status = status
        self.body = body


class Unreachable(Problem):
    """No answer: no such host, nobody listens, a certificate that is not trusted, or too slow."""


class NotOurs(Problem):
    """Something answers, and it is no Inngest server."""

    def __init__(self, server: Server, content: bytes) -> None:
        super().__init__(
            f"{server.url} is not an Inngest server{_told(content)}",
            f"check the address: {API_URL}, or inngest login --url …",
        )


def refused(server: Server, status: int, headers: Mapping[str, str], content: bytes, ours: bool) -> Refused:
    body = _body(content)
    said = body.get("error") if isinstance(body, dict) else None
    if isinstance(said, str):
        message = one_line(said, _SHOWN * 4)
    else:
        message = f"{server.url} answers {status} {_phrase(status)}{_told(content)}"
    return Refused(message, _next_step(server, status, headers, ours), status, body)


def _body(content: bytes) -> Any:
    try:
        return decode(content)
    except ValueError:
        return None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _told(content: bytes) -> str:
    """A page's title, or the beginning of what else was answered."""
    text = content[:4096].decode(errors="replace")
    start = text.lower().find("<title>")
    if start >= 0:
        text = text[start + 7 :].partition("<")[0]
    elif "<html" in text.lower():
        return ", with a page of HTML"
    said = one_line(text, 80)
    return f": {said}" if said else ""


def _next_step(server: Server, status: int, headers: Mapping[str, str], ours: bool) -> str:
    if 300 <= status < 400:
        target = urlsplit(headers.get("location", ""))
        if target.scheme and target.netloc:
            return f"it points to {one_line(f'{target.scheme}://{target.netloc}', 200)}; use that address"
        return "use the address that it points to"
    if status == HTTPStatus.UNAUTHORIZED:
        if server.token is None:
            return f"inngest login --url {server.url}, or set {API_TOKEN}"
        return f"the token is wrong or was revoked: inngest login --url {server.url}, or set {API_TOKEN}"
    if status == HTTPStatus.FORBIDDEN:
        return "inngest whoami shows what the token may do; log in with one of a wider scope"
    if status == HTTPStatus.NOT_FOUND:
        return "inngest whoami shows which server and environment were asked"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"try again {_after(headers)}"
    if status >= 500:
        if ours and status != HTTPStatus.SERVICE_UNAVAILABLE:
            return "the server's log says why; inngest doctor looks at what it needs"
        return f"try again {_after(headers)}; inngest doctor looks at what the server needs"
    return ""


def _after(headers: Mapping[str, str]) -> str:
    seconds = headers.get("retry-after", "")
    return f"in {seconds} s" if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else "in a moment"


def unreachable(server: Server, error: Exception) -> Unreachable:
    import urllib3.exceptions as faults

    check = f"is the address right? {API_URL}, or inngest login --url …"
    if isinstance(error, faults.NameResolutionError):
        return Unreachable(f"there is no host {urlsplit(server.url).hostname}", check)
    if isinstance(error, faults.ReadTimeoutError):
        return Unreachable(
            f"{server.url} took the request and does not answer", "try again; inngest doctor looks at the server"
        )
    if isinstance(error, faults.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        plain = f"http://{urlsplit(server.url).netloc}"
        return Unreachable(
            f"{server.url} does not speak https on that port", f"http is spoken there, perhaps: {plain}; {check}"
        )
    if isinstance(error, faults.SSLError):
        return Unreachable(
            f"the connection to {server.url} is not trusted: {one_line(str(_cause(error)), _SHOWN)}",
            "SSL_CERT_FILE names the certificates of an authority of your own",
        )
    if isinstance(error, faults.NewConnectionError):
        if server.url == DEV_URL:
            return Unreachable(
                f"no server is running at {server.url}", "inngest dev starts one here; inngest login names another"
            )
        return Unreachable(f"{server.url} refuses the connection", f"is the server running? {check}")
    if isinstance(error, faults.ConnectTimeoutError):
        return Unreachable(f"{server.url} cannot be reached: no answer to the connection", check)
    return Unreachable(
        f"the connection to {server.url} broke: {one_line(str(_cause(error)), _SHOWN)}",
        "try again; inngest doctor looks at the server",
    )


def _cause(error: BaseException) -> BaseException:
    """The innermost fault: urllib3 wraps what the system said."""
    inner = error.__cause__ or error.__context__
    nested = [one for one in error.args if isinstance(one, BaseException)]
    if nested:
        return _cause(nested[0])
    return error if inner is None or isinstance(error, OSError) else _cause(inner)
