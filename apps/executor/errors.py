"""A step's error as it is kept and shown: JSON text of name, message and stack."""

import msgspec

from drivers.contract import StepError


def error_text(error: StepError | None) -> str:
    """JSON text of the error; an outcome that failed without one gets a plain one."""
    error = error or StepError("Error", "the step failed without saying why")
    return msgspec.json.encode({"name": error.name, "message": error.message, "stack": error.stack}).decode()


class _Error(msgspec.Struct):
    name: str | None = None
    message: str | None = None
    error: str | None = None
    stack: str | None = None
    cause: msgspec.Raw = msgspec.Raw(b"null")


def error_of(raw: msgspec.Raw) -> str:
    """A step's error as it is kept and given back to the function: JSON text of name, message, stack, maybe a cause."""
    try:
        found = msgspec.json.decode(raw, type=_Error | None) or _Error()
    except msgspec.DecodeError:
        found = _Error(message=bytes(raw).decode()[:10_000])
    fields: dict[str, object] = {
        "name": found.name or "Error",
        "message": found.message or found.error or "the step failed without saying why",
        "stack": found.stack or "",
    }
    if bytes(found.cause) != b"null":
        fields["cause"] = found.cause
    return msgspec.json.encode(fields).decode()
