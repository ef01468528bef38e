"""What the answer of an SDK means: a function's output, opcodes, an error of its own, or that no SDK is there."""

from dataclasses import replace

from drivers import answers
from drivers.contract import KIB, Call, Limits, Outcome
from drivers.error_bodies import error_in, excerpt
from drivers.http_client import Request, answered
from drivers.http_exchange import Answer
from drivers.json_text import NotJSON, TooDeep, status_of
from drivers.retry_after import seconds_to_wait
from drivers.streamed_answers import STREAMED, NotStreamed, unwrap

_RETURNED, _OPCODES, _UNAUTHORIZED, _BODY_TOO_LARGE = 200, 206, 401, 413
_BOM = b"\xef\xbb\xbf"


def readable_bytes(limits: Limits) -> int:
    """How much of an answer to read: one in a stream is a JSON text in a JSON text, so up to twice as long."""
    return 2 * limits.output_bytes + 64 * KIB


def outcome_of(answer: Answer, request: Request, call: Call) -> Outcome:
    outcome, headers = _outcome_and_headers(answer, request, call)
    return replace(outcome, request_version=_request_version(headers.get("x-inngest-req-version", "")))


def _outcome_and_headers(answer: Answer, request: Request, call: Call) -> tuple[Outcome, dict[str, str]]:
    fault = None
    if answer.status == STREAMED:
        if len(answer.body) > readable_bytes(call.limits):
            return answers.too_large(len(answer.body), call.limits, at_least=True), answer.headers
        try:
            answer = unwrap(answer)
        except NotStreamed as found:
            fault = f"{request.shown} answered with a stream that is not whole: {found}{excerpt(answer.body)}"
    if "x-inngest-sdk" not in answer.headers and "x-inngest-sdk-handled" not in answer.headers:
        return _not_an_sdk(answer, request), answer.headers
    if fault is not None:
        return answers.failed("InvalidAnswer", fault), answer.headers
    if answer.status == _UNAUTHORIZED:
        return _refused(request, call), answer.headers
    if answer.status in (_RETURNED, _OPCODES):
        return _succeeded(answer, request, call), answer.headers
    return _failed(answer, request), answer.headers


def _succeeded(answer: Answer, request: Request, call: Call) -> Outcome:
    if len(answer.body) > call.limits.output_bytes:
        # A stream is read whole; of anything else, the rest may have been left unread.
        return answers.too_large(len(answer.body), call.limits, at_least=True)
    data = answer.body.removeprefix(_BOM).strip()
    try:
        text = data.decode()
        if text or answer.status == _OPCODES:
            status_of(data)
    except TooDeep as fault:
        return answers.failed("OutputTooDeep", f"the function's output is {fault}", retryable=False)
    except (UnicodeDecodeError, NotJSON) as fault:
        message = f"{request.shown} answered {answer.status} with what is not JSON ({fault}){excerpt(answer.body)}"
        return answers.failed("InvalidAnswer", message)
    if answer.status == _RETURNED:
        return Outcome(ok=True, output=text or "null")
    if text[0] not in "[{":
        message = f"{request.shown} answered {_OPCODES} without a list of opcodes{excerpt(answer.body)}"
        return answers.failed("InvalidAnswer", message)
    # These two are about the step that failed, if there is one in it.
    return Outcome(
        ok=True,
        opcodes=text if text[0] == "[" else f"[{text}]",
        retryable=_retryable(answer),
        retry_after=seconds_to_wait(answer.headers),
    )


def _failed(answer: Answer, request: Request) -> Outcome:
    name, message, stack = error_in(answer.body)
    if not message:
        message = answered(request, answer) + excerpt(answer.body)
    retryable = _retryable(answer)
    return answers.failed(
        name, message, stack, retryable=retryable, retry_after=seconds_to_wait(answer.headers) if retryable else None
    )


def _refused(request: Request, call: Call) -> Outcome:
    if call.runtime.get("signing_key") is None:
        reason = "it expects signed calls, and this environment signs none; set INNGEST_DEV=1 for the app"
    else:
        reason = (
            "it refused our signature; the app's INNGEST_SIGNING_KEY must be this environment's signing key, "
            "and the clocks of both machines must agree to five minutes"
        )
    return answers.failed("Unauthorized", f"{request.shown} answered {_UNAUTHORIZED}: {reason}")


def _not_an_sdk(answer: Answer, request: Request) -> Outcome:
    kind = answer.headers.get("content-type", "no content type")
    message = f"there is no Inngest SDK at this URL: {answered(request, answer)} ({kind}){excerpt(answer.body)}"
    if answer.status == _BODY_TOO_LARGE:
        message += f". We sent {len(request.body):,} bytes; let the app's web framework accept larger bodies"
    return answers.failed("NotAnSdk", message, retry_after=seconds_to_wait(answer.headers))


def _retryable(answer: Answer) -> bool:
    return answer.headers.get("x-inngest-no-retry", "").strip().lower() != "true"


def _request_version(text: str) -> int | None:
    return int(text) if text == "-1" or (len(text) == 1 and text.isascii() and text.isdecimal()) else None
