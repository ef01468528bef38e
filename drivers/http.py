"""The http driver: POST the step's input to a URL; the answer is its output."""

from functools import lru_cache, partial

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.http_client import RETRIED_4XX, HttpClient, Request, Target, header, status_line, target_of
from drivers.http_exchange import Answer
from drivers.http_redirects import SameHost
from drivers.retry_after import seconds_to_wait


class HttpDriver:
    queue = "steps"

    def __init__(self) -> None:
        self._client = HttpClient(guarded=True)

    def run(self, call: Call, abort: Abort) -> Outcome:
        url = str(call.runtime.get("url", ""))
        try:
            target = target_of(url)
        except ValueError as fault:
            return answers.failed("InvalidURL", str(fault), retryable=False)
        redirects = SameHost(url, target, _request(call, target), partial(_request, call))
        answer = self._client.ask(redirects.request, call, abort, call.limits.output_bytes, redirects.next)
        return answer if isinstance(answer, Outcome) else _outcome(call, redirects, answer)

    def close(self) -> None:
        self._client.close()


def _request(call: Call, target: Target) -> Request:
    return Request(target.origin, _opening(target) + _own_headers(call), call.payload, f"POST {target.shown}")


@lru_cache(maxsize=4096)
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
