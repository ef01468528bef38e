"""What a step's answer means: the same rules for every driver (docs/function-format.md, "Failure")."""

import re

import msgspec

from drivers.contract import Limits, Outcome, StepError
from drivers.json_text import NotJSON, TooDeep, status_of

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
_NAME_CHARS, _MESSAGE_CHARS, _STACK_CHARS = 200, 8_000, 32_000


def completed(data: bytes, limits: Limits, log: str = "") -> Outcome:
    """The outcome of code that ran to its end and gave back ``data``: success, unless its own status says not."""
    if len(data) > limits.output_bytes:
        return too_large(len(data), limits, log)
    try:
        output, status = _read(data)
    except TooDeep as fault:
        return failed("OutputTooDeep", f"the step's output is {fault}", retryable=False, log=log)
    if len(output) > limits.output_bytes:  # text that isn't JSON grows when it is quoted
        return too_large(len(output), limits, log)
    if status is None or status < 400:
        return Outcome(ok=True, output=output.decode(), log=storable(log))
    return failed(
        "StatusError",
        f"the step's output has status {status:g}",
        output=output.decode(),
        retryable=status >= 500,
        log=log,
    )


def kept_body(data: bytes, limits: Limits) -> str | None:
    """A failed answer's body as JSON text, or None if there is none or it is too large or deep to keep."""
    if not data or len(data) > limits.output_bytes:
        return None
    try:
        output, _ = _read(data)
    except TooDeep:
        return None
    return output.decode() if len(output) <= limits.output_bytes else None


def failed(
    name: str,
    message: str,
    stack: str = "",
    *,
    output: str | None = None,
    retryable: bool = True,
    retry_after: float | None = None,
    log: str = "",
) -> Outcome:
    """A failed outcome, its texts made fit to store."""
    error = StepError(
        _capped(name, _NAME_CHARS) or "Error",
        _capped(message, _MESSAGE_CHARS),
        _capped(stack, _STACK_CHARS),
    )
    return Outcome(
        ok=False, output=output, error=error, retryable=retryable, retry_after=retry_after, log=storable(log)
    )


def too_large(size: int, limits: Limits, log: str = "", *, at_least: bool = False) -> Outcome:
    """The step gave back more than it may. Another attempt would do the same, so it fails for good."""
    measure = "at least " if at_least else ""
    message = f"the step's output is {measure}{size:,} bytes; the limit is {limits.output_bytes:,} bytes"
    return failed("OutputTooLarge", message, retryable=False, log=log)


def timed_out(timeout: float, log: str = "") -> Outcome:
    return failed("StepTimeout", f"the step did not finish within {timeout:g} s", log=log)


def aborted(log: str = "") -> Outcome:
    """Stopped by us. Whoever stopped it knows why, and decides what follows."""
    return failed("StepAborted", "the step was stopped before it finished", log=log)


def unavailable(name: str, message: str) -> Outcome:
    """What runs the step is away: no attempt is used up, and it is tried again until it is back."""
    return Outcome(
        ok=False, error=StepError(_capped(name, _NAME_CHARS), _capped(message, _MESSAGE_CHARS)), unavailable=True
    )


def storable(text: str) -> str:
    """The text without what Postgres ``text`` refuses: NUL and lone surrogates become U+FFFD."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("\ufffd", text)


def _capped(text: str, chars: int) -> str:
    return storable(text if len(text) <= chars else text[: chars - 1] + "…")


def _read(data: bytes) -> tuple[bytes, float | None]:
    """The output as JSON in UTF-8, and its status. Raises TooDeep."""
    text = data.removeprefix(_BOM)
    try:
        text.decode()  # msgspec does not look into strings
        return text, status_of(text)
    except (UnicodeDecodeError, NotJSON):
        return msgspec.json.encode({"body": data.decode(errors="replace")}), None
