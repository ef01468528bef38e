"""The http driver: POST the step's input to a URL; the answer is its output."""

from functools import lru_cache

from drivers import answers
from drivers.contract import Abort, Call, Outcome
from drivers.http_client import RETRIED_4XX, HttpClient, Request, Target, answered, header, target_of
from drivers.http_exchange import Answer
from drivers.retry_after import seconds_to_wait


class HttpDriver:
    queue = "steps"

    def __init__(self) -> None:
        self._client = HttpClient()

    def run(self, call: Call, abort: Abort) -> Outcome:
        try:
            target, head = _opening(str(call.runtime.get("url", "")))
        except ValueError as fault:
            return answers.failed("InvalidURL", str(fault), retryable=False)
        request = Request(target.origin, head + _own_headers(call), call.payload, f"POST {target.shown}")
        answer = self._client.ask(request, call, abort, call.limits.output_bytes)
        return answer if isinstance(answer, Outcome) else _outcome(call, request, answer)

    def close(self) -> None:
        self._client.close()


@lru_cache(maxsize=4096)
def _opening(url: str) -> tuple[Target, bytes]:
    """Where the step is, and the request up to the headers that differ from call to call. Raises ValueError."""
    target = target_of(url)
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
    return target, "\r\n".join([*lines, ""]).encode()


def _own_headers(call: Call) -> bytes:
    own = (
        f"x-run-id: {header(call.run_id)}\r\n"
        f"x-inngest-step-id: {header(call.step_id)}\r\n"
        f"x-inngest-attempt: {call.attempt}\r\n"
        f"content-length: {len(call.payload)}\r\n\r\n"
    )
    return own.encode()


def _outcome(call: Call, request: Request, answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:
        if len(answer.body) > call.limits.output_bytes:
            return answers.too_large(len(answer.body), call.limits, at_least=True)
        return answers.completed(answer.body, call.limits)
    retryable = not 400 <= answer.status < 500 or answer.status in RETRIED_4XX
    if answer.headers.get("x-inngest-no-retry", "").lower() == "true":
        retryable = False
    return answers.failed(
        "HttpError",
        answered(request, answer),
        output=answers.kept_body(answer.body, call.limits),
        retryable=retryable,
        retry_after=seconds_to_wait(answer.headers) if retryable else None,
    )
