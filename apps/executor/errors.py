"""A step's error as it is kept and shown: JSON text of name, message and stack."""

import msgspec

from drivers.contract import StepError


def error_text(error: StepError | None) -> str:
    """JSON text of the error; an outcome that failed without one gets a plain one."""
    error = error or StepError("Error", "the step failed without saying why")
    return msgspec.json.encode({"name": error.name, "message": error.message, "stack": error.stack}).decode()
