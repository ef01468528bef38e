"""The gateway driver: make an HTTP request in a step's stead, so that no one pays for an app that waits."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from drivers import answers
from drivers.charsets import text_of
from drivers.contract import Abort, Call, Limits, Outcome
from drivers.error_bodies import error_in, excerpt
from drivers.gateway_requests import AI, request_of, without_secrets
from drivers.http_client import RETRIED_4XX, HttpClient, Request, answered
from drivers.http_exchange import Answer
from drivers.json_text import NotJSON, TooDeep, status_of
from drivers.redirects import Redirects
from drivers.retry_after import seconds_to_wait

_WITHOUT_BODY = frozenset({204, 205, 304})
"""Statuses with which a JavaScript Response takes no body, not even an empty text."""

_OF_THE_CONNECTION = ("connection", "keep-alive", "transfer-encoding")
_OF_THE_ENCODING = ("content-encoding", "content-length")


class GatewayDriver:
    queue = "steps"

    def __init__(self) -> None:
        self._client = HttpClient(guarded=True)

    def run(self, call: Call, abort: Abort) -> Outcome:
        op, opts = str(call.runtime.get("op", "")), call.runtime.get("opts")
        if not isinstance(opts, Mapping):
            opts = {}
        return _discreet(self._run(op, opts, call, abort), opts)

    def close(self) -> None:
        self._client.close()

    def _run(self, op: str, opts: Mapping[str, object], call: Call, abort: Abort) -> Outcome:
        try:
            request = request_of(op, opts)
        except ValueError as fault:
            return answers.failed("InvalidRequest", f"the request cannot be made: {fault}", retryable=False)
        # A fetch follows redirects. The request of a model holds a key, which only the URL that it names may see.
        follow = None if op == AI else Redirects(opts).next
        answer = self._client.ask(request, call, abort, call.limits.output_bytes, follow)
        if isinstance(answer, Outcome):
            return answer
        return _inferred(request, answer, call.limits) if op == AI else _fetched(answer, call.limits)


def _fetched(answer: Answer, limits: Limits) -> Outcome:
    """Whatever the server answered is the result: it is the function that knows what a status means."""
    if len(answer.body) > limits.output_bytes:
        return answers.too_large(len(answer.body), limits, at_least=True)
    decoded = "content-encoding" in answer.headers
    dropped = _OF_THE_CONNECTION + _OF_THE_ENCODING if decoded else _OF_THE_CONNECTION
    kind = answer.headers.get("content-type", "")
    result = {
        "status_code": answer.status,
        "headers": {name: value for name, value in answer.headers.items() if name not in dropped},
        "body": None if answer.status in _WITHOUT_BODY else text_of(answer.body, kind),
    }
    output = msgspec.json.encode(result)
    if len(output) > limits.output_bytes:
        return answers.too_large(len(output), limits)
    return Outcome(ok=True, output=output.decode())


def _inferred(request: Request, answer: Answer, limits: Limits) -> Outcome:
    if not 200 <= answer.status < 300:
        retryable = not 400 <= answer.status < 500 or answer.status in RETRIED_4XX
        _, message, _ = error_in(answer.body)
        return answers.failed(
            "AIGatewayError",
            answered(request, answer) + (f": {message}" if message else excerpt(answer.body)),
            retryable=retryable,
            retry_after=seconds_to_wait(answer.headers) if retryable else None,
        )
    if len(answer.body) > limits.output_bytes:
        return answers.too_large(len(answer.body), limits, at_least=True)
    try:
        text = answer.body.decode()
        status_of(answer.body)
    except TooDeep as fault:
        return answers.failed("OutputTooDeep", f"the model's answer is {fault}", retryable=False)
    except (UnicodeDecodeError, NotJSON):
        message = f"{request.shown} answered {answer.status} with what is not JSON{excerpt(answer.body)}"
        return answers.failed("AIGatewayError", message)
    return Outcome(ok=True, output=text)


def _discreet(outcome: Outcome, opts: Mapping[str, object]) -> Outcome:
    if outcome.error is None:
        return outcome
    return replace(outcome, error=replace(outcome.error, message=without_secrets(outcome.error.message, opts)))
