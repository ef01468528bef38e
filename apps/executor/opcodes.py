"""What an SDK's function asks for: its answer's opcodes, checked and put in our words. Pure.

The wire is described by the SDKs' sources; names on the left of `_PARSERS` are theirs. Each opcode becomes one of the
types in `asked.py`, or `BadAnswer` names what is wrong with it and where.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from apps.datastore.definition.durations import InvalidDuration, parse_duration
from apps.datastore.definition.scopes import CANCEL_NAMES
from apps.datastore.definition.types import SDK_STEP
from apps.executor.asked import (
    Asked,
    CallAgain,
    Invoke,
    Opcode,
    Request,
    Returned,
    RunStep,
    Sleep,
    StepFailing,
    StepRan,
    Unsupported,
    WaitForEvent,
    WaitForSignal,
)
from apps.executor.errors import error_of
from apps.expressions import InvalidExpression, compile_expression
from drivers.contract import Outcome

MAX_ID_CHARS = 255
MAX_NAME_CHARS = 255
MAX_EXPRESSIONS = 200
"""Different ones, of waits in one answer."""
MAX_EXPRESSION_CHARS = 200_000


class BadAnswer(ValueError):
    """An answer that cannot be understood; the message says what is wrong, and where in it."""


class _Wire(msgspec.Struct, rename={"display_name": "displayName"}):
    id: str
    op: str
    name: str | None = None
    display_name: str | None = None
    opts: msgspec.Raw = msgspec.Raw(b"null")
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


_wires = msgspec.json.Decoder(list[msgspec.Raw])
_wire = msgspec.json.Decoder(_Wire)


def parse_opcodes(text: str, version: int | None, most: int = 1_000) -> list[Opcode]:
    """The opcodes, at most so many, of an answer in this version of the protocol. Raises BadAnswer."""
    raws = _raws(text)
    if len(raws) > most + 1:  # with them it may return
        raise BadAnswer(f"it asks for {len(raws)} steps at once; the limit (SDK_STEPS_MAX) is {most}")
    # In version 1, as with the parallel mode `race`, each of several steps has the function called when it ends.
    each = version == 1 and len(raws) > 1
    opcodes = [_parse(raw, f"$[{place}]", each) for place, raw in enumerate(raws)]
    _check_expressions(opcodes)
    return opcodes


def _check_expressions(opcodes: Sequence[Opcode]) -> None:
    """Compile them, each once: that takes milliseconds, so not any number of them."""
    matches: dict[str, int] = {}
    for place, opcode in enumerate(opcodes):
        if isinstance(opcode, WaitForEvent) and opcode.match is not None:
            matches.setdefault(opcode.match, place)
    if len(matches) > MAX_EXPRESSIONS or sum(map(len, matches)) > MAX_EXPRESSION_CHARS:
        raise BadAnswer(
            f"it waits with {len(matches)} expressions of {sum(map(len, matches))} characters; the limits are"
            f" {MAX_EXPRESSIONS} and {MAX_EXPRESSION_CHARS}"
        )
    for match, place in matches.items():
        try:
            compile_expression(match, CANCEL_NAMES)
        except InvalidExpression as error:
            raise BadAnswer(f"$[{place}].opts.if: {error}") from None


def read_answer(outcome: Outcome, most: int) -> "list[Opcode] | BadAnswer | None":
    """What a function's answer asks for, or what is wrong with it; None if it is no answer in opcodes."""
    if not outcome.ok or outcome.opcodes is None:
        return None
    try:
        return parse_opcodes(outcome.opcodes, outcome.request_version, most)
    except BadAnswer as fault:
        return fault


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def _raws(text: str) -> list[msgspec.Raw]:
    try:
        return _wires.decode(text)
    except RecursionError:
        raise BadAnswer("it is nested too deep") from None
    except msgspec.DecodeError:
        # JavaScript writes half a surrogate pair, of a text that was cut, as it is; msgspec takes that for a fault.
        whole = _ESCAPE.sub(lambda escape: r"\ufffd" if escape["half"] else escape[0], text)
    try:
        return _wires.decode(whole)
    except msgspec.DecodeError as error:
        raise BadAnswer(f"its opcodes are not an array: {error}") from None


def _parse(raw: msgspec.Raw, where: str, each: bool) -> Opcode:
    try:
        wire = _wire.decode(raw)
    except msgspec.DecodeError as error:
        raise BadAnswer(f"{where} is not an opcode: {error}") from None
    parser = _PARSERS.get(wire.op)
    if parser is None:
        return Unsupported(f"{where}.op: {wire.op[:100]!r} is not supported by this server")
    _check_id(wire.id, where)
    opts = _object(wire.opts, f"{where}.opts")
    is_race = each or _text_of(opts.get("parallelMode")) == "race"
    name = (wire.display_name or wire.name or wire.id)[:MAX_NAME_CHARS].replace("\0", "\ufffd")
    return parser(wire, Asked(wire.id, name, "each" if is_race else "last"), opts, where)


def _check_id(step_id: str, where: str) -> None:
    if not step_id or len(step_id) > MAX_ID_CHARS or "\0" in step_id or step_id == SDK_STEP:
        raise BadAnswer(f"{where}.id: {step_id[:100]!r} cannot be a step's id")


_Opts = dict[str, msgspec.Raw]
_Parser = Callable[[_Wire, Asked, _Opts, str], Opcode]


def _step_run(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    return StepRan(step, True, _json(wire.data))


def _step_failed(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    return StepRan(step, False, error_of(wire.error))


def _step_error(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    return StepFailing(step, error_of(wire.error))


def _step_planned(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    return RunStep(step)


def _sleep(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    duration = _optional(opts, "duration", f"{where}.opts")
    if duration:
        return Sleep(step, _moment(duration, f"{where}.opts.duration"))
    if not wire.name:
        raise BadAnswer(f"{where}.name: a sleep says how long")
    return Sleep(step, _moment(wire.name, f"{where}.name"))


def _wait_for_event(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    event = _optional(opts, "event", f"{where}.opts") or wire.name
    if not event or len(event) > MAX_ID_CHARS or "\0" in event:
        raise BadAnswer(f"{where}.name: {str(event)[:100]!r} cannot be an event's name")
    match = _optional(opts, "if", f"{where}.opts") or None
    if match is not None and "\0" in match:  # which cannot be stored
        raise BadAnswer(f"{where}.opts.if: it has a NUL character")
    return WaitForEvent(step, event, match, _timeout(opts, where))


def _wait_for_signal(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    signal = _optional(opts, "signal", f"{where}.opts") or wire.name
    if not signal or len(signal) > MAX_ID_CHARS or "\0" in signal:
        raise BadAnswer(f"{where}.opts.signal: {str(signal)[:100]!r} cannot be a signal")
    replaces = _optional(opts, "conflict", f"{where}.opts") == "replace"
    return WaitForSignal(step, signal, _timeout(opts, where), replaces)


def _invoke(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    function_id = _optional(opts, "function_id", f"{where}.opts")
    if not function_id:
        raise BadAnswer(f"{where}.opts.function_id is missing")
    if len(function_id) > MAX_ID_CHARS:
        raise BadAnswer(f"{where}.opts.function_id: {function_id[:100]!r} is longer than a function's id can be")
    if "\0" in function_id:
        raise BadAnswer(f"{where}.opts.function_id: {function_id[:100]!r} cannot be a function's id")
    payload = _object(opts.get("payload", _NULL), f"{where}.opts.payload")
    timeout = _optional(opts, "timeout", f"{where}.opts")
    return Invoke(
        step,
        function_id,
        _object_text(payload.get("data", _NULL), f"{where}.opts.payload.data"),
        _object_text(payload.get("user", _NULL), f"{where}.opts.payload.user"),
        _optional(payload, "v", f"{where}.opts.payload"),
        _moment(timeout, f"{where}.opts.timeout") if timeout else None,
    )


def _fetch(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    if not _optional(opts, "url", f"{where}.opts"):
        raise BadAnswer(f"{where}.opts.url is missing")
    return Request(step, "fetch" if wire.op == "Gateway" else "infer", _json(wire.opts))


def _run_complete(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    return Returned(_json(wire.data))


def _discovery(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    return CallAgain()


def _not_found(wire: _Wire, step: Asked, opts: _Opts, where: str) -> Opcode:
    raise BadAnswer(f"the function has no step {step.name!r} ({step.step_id}) any more: it has changed under its run")


_PARSERS: dict[str, _Parser] = {
    "Step": _step_run,
    "StepRun": _step_run,
    "StepError": _step_error,
    "StepFailed": _step_failed,
    "StepPlanned": _step_planned,
    "Sleep": _sleep,
    "WaitForEvent": _wait_for_event,
    "WaitForSignal": _wait_for_signal,
    "InvokeFunction": _invoke,
    "Gateway": _fetch,
    "AIGateway": _fetch,
    "RunComplete": _run_complete,
    "DiscoveryRequest": _discovery,
    "StepNotFound": _not_found,
}
_NULL = msgspec.Raw(b"null")


def _json(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()


def _object(raw: msgspec.Raw, where: str) -> _Opts:
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | None) or {}
    except msgspec.DecodeError:
        raise BadAnswer(f"{where} is not an object") from None


def _object_text(raw: msgspec.Raw, where: str) -> bytes:
    text = bytes(raw).strip()
    if text == b"null":
        return b"{}"
    if not text.startswith(b"{"):
        raise BadAnswer(f"{where} is not an object")
    return text


def _text_of(raw: msgspec.Raw | None) -> str | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=str | None)
    except msgspec.DecodeError:
        return None


def _optional(opts: _Opts, field: str, where: str) -> str | None:
    try:
        return msgspec.json.decode(opts.get(field, _NULL), type=str | None)
    except msgspec.DecodeError:
        raise BadAnswer(f"{where}.{field} is not a text") from None


def _timeout(opts: _Opts, where: str) -> float | datetime:
    text = _optional(opts, "timeout", f"{where}.opts")
    if not text:
        raise BadAnswer(f"{where}.opts.timeout is missing")
    return _moment(text, f"{where}.opts.timeout")


def _moment(text: str, where: str) -> float | datetime:
    """Seconds, or a time: durations as `1h30m`, times as in RFC 3339."""
    try:
        return parse_duration(text)
    except InvalidDuration as fault:
        try:
            return msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            raise BadAnswer(f"{where}: {text[:100]!r} {fault}, or a time in RFC 3339") from None
