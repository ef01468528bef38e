"""Load, for SDK functions: what a call of the function carries, and what of its steps needs no call at all."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from django.conf import settings

from apps.datastore.definition.types import SDK_STEP
from apps.datastore.signing_keys import current_signing_key
from apps.datastore.versions import Version
from apps.state.queue import Item
from apps.state.sdk.memory import Memory, PendingStep, read_memory
from drivers.contract import Call, Limits, Outcome, StepError

FIRST_VERSION = -1
"""Of the protocol, before the function has answered: the SDK is to choose."""


class TooManySteps(ValueError):
    """A run has more steps than a run may have."""


def read_memories(items: Sequence[Item], most_bytes: int) -> dict[str, Memory]:
    """The memories of the items' runs; one statement, none if there are no items."""
    if not items:
        return {}
    return read_memory({item.run_id for item in items}, {item.step_id for item in items}, most_bytes)


class SdkItem(NamedTuple):
    """A claimed item of an SDK's function, with what was read for it."""

    item: Item
    version: Version
    environment_id: int
    event: str
    memory: Memory

    @property
    def step(self) -> PendingStep | None:
        """The step that the item is of; None if it is a call of the function."""
        return None if self.item.step_id == SDK_STEP else self.memory.pending.get(self.item.step_id)


def has_gone(of: SdkItem) -> bool:
    """Whether the item's step has ended in another way, as an invoke whose function has answered in time."""
    return of.item.step_id != SDK_STEP and (of.step is None or not of.step.is_open)


def without_call(of: SdkItem) -> Outcome | None:
    """What became of a step that only waited for its time; None for what is to be called."""
    if of.step is None:
        return None
    if of.step.op == "sleep":
        return Outcome(ok=True, output="null")
    if of.step.op == "invoke":
        error = StepError("InngestInvokeTimeoutError", "Timed out waiting for the invoked function to complete")
        return Outcome(ok=False, error=error, retryable=False)
    return None


def sdk_call(of: SdkItem) -> Call:
    """The call of the function, for all or for one of its steps, or the request that a step asks the server for."""
    item, definition = of.item, of.version.definition
    if of.step is not None and of.step.op in {"fetch", "infer"}:
        op = "Gateway" if of.step.op == "fetch" else "AIGateway"
        opts = msgspec.json.decode(of.step.input or "{}")
        return _call(of, {"type": "gateway", "op": op, "opts": opts}, b"{}")
    if len(of.memory.results) > settings.SDK_STEPS_MAX:
        raise TooManySteps(
            f"the run has {len(of.memory.results)} steps; the limit (SDK_STEPS_MAX) is {settings.SDK_STEPS_MAX}"
        )
    runtime = {
        "type": "sdk",
        "url": str(definition.steps[SDK_STEP].runtime.options["url"]),
        "step_id": item.step_id,
        "request_version": _version(of.memory),
        "job_id": str(item.id),
        "signing_key": None if settings.INNGEST_DEV else current_signing_key(of.environment_id),
    }
    return _call(of, runtime, _payload(of))


def _call(of: SdkItem, runtime: Mapping[str, object], payload: bytes) -> Call:
    return Call(
        runtime=runtime,
        payload=payload,
        run_id=of.item.run_id,
        step_id=of.item.step_id,
        attempt=of.item.attempt - 1,
        timeout=settings.SDK_CALL_SECONDS,
        limits=Limits(output_bytes=settings.STEP_OUTPUT_MAX_BYTES, log_bytes=settings.STEP_LOG_MAX_BYTES),
    )


def _version(memory: Memory) -> int:
    return FIRST_VERSION if memory.version is None else memory.version


def _payload(of: SdkItem) -> bytes:
    """The JSON object that the SDK gets. Events and results are opaque text: they go in as they are.

    `ctx.fn_id` is left out: without it the SDKs report each step when it has run, and do not post checkpoints.
    """
    item, memory = of.item, of.memory
    by_api = not memory.fits or memory.size + len(of.event) > settings.SDK_STATE_MAX_BYTES
    # What it asks for by itself may be more than there is now: the order is then that of what it gets.
    stack = [] if by_api else list(memory.results)
    ctx = {
        "run_id": item.run_id,
        "env": of.version.environment,
        "step_id": item.step_id,
        "attempt": item.attempt - 1,
        "max_attempts": of.version.definition.steps[SDK_STEP].attempts,
        "disable_immediate_execution": item.plan_only,
        "use_api": by_api,
        "stack": {"stack": stack, "current": len(stack)},
        "qi_id": str(item.id),
        "job_id": str(item.id),
        "request_id": str(item.id),
    }
    results = "" if by_api else ",".join(f"{_text(step_id)}:{text}" for step_id, text in memory.results.items())
    events = "" if by_api else of.event
    return (
        f'{{"event":{of.event},"events":[{events}],"steps":{{{results}}},"ctx":{_text(ctx)},'
        f'"version":{_version(memory)},"use_api":{_text(by_api)}}}'
    ).encode()


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
