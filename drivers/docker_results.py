"""What the end of a container means."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import docker

from drivers import answers
from drivers.contract import Limits, Outcome
from drivers.docker_engine import EngineAway, engine_fault, explanation
from drivers.docker_output import Output

_OUTSIDE = (137, 143, 255)
"""Exit codes of what was killed, or of whose end the engine saw nothing."""

_NOT_RUN = (
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "exec format error",
    "not a directory",
    "argument list too long",
    "is a directory",
)


def of_end(state: Mapping[str, Any], output: Output, limits: Limits, memory: int) -> Outcome:
    """The outcome of a container that ended by itself. ``memory`` in bytes, for words."""
    if output.overflown:
        return too_much(output, limits)
    written = output.written()
    code = int(state.get("ExitCode", 0))
    if code == 0 and output.is_cut:
        size = f"{output.size_of_stderr:,} bytes"
        message = f"the step wrote more than {size} to its standard error, so its output is lost"
        return answers.failed("OutputLost", message, log=written.log)
    if code == 0:
        return answers.completed(written.output, limits, written.log)
    if state.get("OOMKilled"):
        message = f"the step needs more than its {memory:,} bytes of memory"
        return answers.failed("MemoryLimit", message, log=written.log)
    words = output.last_words()
    if words and words[-1].startswith("[FATAL tini ("):  # the engine's init, which could not begin the step's program
        return not_run(words[-1].partition(") ")[2] or words[-1])
    judged = answers.completed(written.output, limits)
    message = f"the container exited with code {code}" + (f": {words[-1].strip()}" if words else "")
    return answers.failed(
        "ExitCode",
        message,
        "\n".join(words),
        output=answers.kept_body(written.output, limits),
        retryable=judged.ok or judged.retryable or judged.error is None or judged.error.name != "StatusError",
        log=written.log,
    )


def too_much(output: Output, limits: Limits) -> Outcome:
    """It wrote more than an output and a log together may hold."""
    return answers.too_large(output.size, limits, output.written().log, at_least=True)


def not_run(reason: str) -> Outcome:
    """The image's program is none. The image stays as it is, and so does this."""
    return answers.failed("CannotRun", f"the image's program cannot be run: {reason}", retryable=False)


def of_refusal(fault: docker.errors.APIError, network: str) -> Outcome:
    """The engine would not make or start the container. Raises EngineAway, if that says nothing of the step.

    ``network`` is the setting: if the engine has none of that name, its operator has to mend that."""
    words = explanation(fault)
    lower = words.lower()
    if any(sign in lower for sign in _NOT_RUN) and "exec" in lower:
        return not_run(words)
    if lacks_network(fault, network):
        raise EngineAway(f"the Docker engine answers: {words}") from fault
    status = fault.status_code or 500
    if status >= 500 or status == 404 or "runtime create failed" in lower or "shim task" in lower:
        if engine_fault() is not None:
            raise EngineAway(f"the Docker engine answers: {words}") from fault
        # Of this container, or of this machine: its attempts bound how long we believe in the latter. An engine says
        # 500 to much that its image is to blame for, as to a USER that is not in its /etc/passwd.
        return answers.failed("ContainerFailed", f"the container could not be started: {words}")
    return answers.failed("ContainerRefused", f"the Docker engine refuses the container: {words}", retryable=False)


def lacks_network(fault: docker.errors.APIError, network: str) -> bool:
    """Whether it is the setting's network that the engine does not find. (An image's own words may be in an answer,
    but not with this status.)"""
    return fault.status_code == 404 and f"network {network} not found".lower() in explanation(fault).lower()


def was_cut_off(state: Mapping[str, Any]) -> bool:
    """Whether a container that nobody watched, or whose engine went away at its end, was ended from outside, as by a
    restart of the engine: its code is not to blame. (A step may exit with such a code itself; it is then run again,
    though its worker died only once.)"""
    return int(state.get("ExitCode", 0)) in _OUTSIDE and not state.get("OOMKilled")


def ran_for(state: Mapping[str, Any]) -> float:
    """Seconds from its start to its end, by the engine's clock."""
    return seconds_of(state["FinishedAt"]) - seconds_of(state["StartedAt"])


def seconds_of(time: str) -> float:
    """The engine's time (RFC 3339, down to nanoseconds) as unix seconds; 0 if it has not come yet."""
    date, _, rest = time.partition(".")
    if date.startswith("0001"):
        return 0.0
    digits = rest.rstrip("Z")
    if "+" in digits or "-" in digits or not rest:  # an offset: rare, and parsed as it stands
        return datetime.fromisoformat(time).timestamp()
    whole = datetime.fromisoformat(date.rstrip("Z")).replace(tzinfo=UTC).timestamp()
    return whole + float(f"0.{digits or 0}")
