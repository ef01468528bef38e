"""The http driver: POST the step's input to a URL; the answer is its output."""

from functools import partial

from drivers import answers
from drivers.contract import MIB, Abort, Call, Outcome
from drivers.http_client import RETRIED_4XX, HttpClient, Request, Target, header, status_line, target_of
from drivers.http_exchange import Answer
from drivers.http_redirects import SameHost
from drivers.retry_after import seconds_to_wait
from drivers.weighted_cache import WeightedCache

_KEPT_BYTES = 8 * MIB
_COPIES = 8
"""How often a URL is held by what is kept of it."""


class HttpDriver:
    queue = "steps"

    def __init__(self) -> None:
        self._client = HttpClient(guarded=True)
        self._declared = WeightedCache[str, tuple[Target, bytes]](lambda: _KEPT_BYTES)
        """What URLs of steps lead to. Where redirects lead is not kept: that is a server's to choose, at every call."""

    def run(self, call: Call, abort: Abort) -> Outcome:
        url = str(call.runtime.get("url", ""))
        try:
            target, opening = self._target(url)
        except ValueError as fault:
            return answers.failed("InvalidURL", str(fault), retryable=False)
        redirects = SameHost(url, target, _request(call, target, opening), partial(_request, call))
        answer = self._client.ask(redirects.request, call, abort, call.limits.output_bytes, redirects.next)
        return answer if isinstance(answer, Outcome) else _outcome(call, redirects, answer)

    def close(self) -> None:
        self._client.close()

    def _target(self, url: str) -> tuple[Target, bytes]:
        """Raises ValueError."""
        found = self._declared.get(url)
        if found is None:
            target = target_of(url)
            found = target, _opening(target)
            self._declared.put(url, found, _COPIES * len(url))
        return found


def _request(call: Call, target: Target, opening: bytes | None = None) -> Request:
    head = (opening or _opening(target)) + _own_headers(call)
    return Request(target.origin, head, call.payload, f"POST {target.shown}")


def _opening(target: Target) -> bytes:
    """The request up to the headers that differ from call to call."""
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"host: {target.host}",
        "user-agent: inngest-server",
        "accept: application/json",
        "accept-encoding: identity",
        "content-type: application/json",
    ]
    if target.authorization is not None:
        lines.append(f"authorization: {target.authorization}")
    return "\r\n".join([*lines, ""]).encode()


def _own_headers(call: Call) -> bytes:
    own = (
        f"x-run-id: {header(call.run_id)}\r\n"
        f"x-inngest-step-id: {header(call.step_id)}\r\n"
        f"x-inngest-attempt: {call.attempt}\r\n"
        f"content-length: {len(call.payload)}\r\n\r\n"
    )
    return own.encode()


def _outcome(call: Call, redirects: SameHost, answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:
        if len(answer.body) > call.limits.output_bytes:
            return answers.too_large(len(answer.body), call.limits, at_least=True)
        return answers.completed(answer.body, call.limits)
    retryable = not 400 <= answer.status < 500 or answer.status in RETRIED_4XX
    if answer.headers.get("x-inngest-no-retry", "").lower() == "true":
        retryable = False
    return answers.failed(
        "HttpError",
        redirects.told(status_line(redirects.request, answer)),
        output=answers.kept_body(answer.body, call.limits),
        retryable=retryable,
        retry_after=seconds_to_wait(answer.headers) if retryable else None,
    )
