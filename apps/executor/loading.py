"""Load: what a leased item needs to be called, read after the claim (rule 3) and put together as text."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.db import connection

from apps.datastore.definition.types import SDK_STEP, Step
from apps.datastore.read_secrets import Secrets
from apps.datastore.versions import Version, load_version, load_versions
from apps.executor.bundles import bundle_of, read_files
from apps.executor.finished import UNREADABLE, Finished, is_sdk_version
from apps.executor.opcodes import read_answer
from apps.executor.sdk_calls import SdkItem, TooManySteps, has_gone, read_memories, sdk_call, without_call
from apps.executor.variables import read_secrets, variables_of
from apps.state.queue import Item
from apps.state.row_faults import lies_in_a_row
from apps.state.steps import Outputs, outputs_of
from drivers.contract import Call, Limits, Outcome, StepError

log = logging.getLogger(__name__)

UNLOADABLE_ATTEMPTS = 10
"""Tries of an item of which not even the function can be read; with their pauses they span hours, as a release may."""


class InputTooLarge(ValueError):
    """What a step is to get is too large to hold in memory beside its neighbours'."""


class Work(NamedTuple):
    """A leased item with its call."""

    item: Item
    worker_id: int
    function: str
    attempts: int
    """How many tries the step has in all."""
    version_id: int
    call: Call

    def finish(self, outcome: Outcome) -> Finished:
        """This item as it is to be recorded."""
        answer = read_answer(outcome, settings.SDK_STEPS_MAX)
        return Finished(self.item, self.worker_id, outcome, self.function, self.attempts, self.version_id, answer)


class Texts(NamedTuple):
    """What a step's input is put together from, as JSON text."""

    event: str
    arrived: str | None
    """The event that was waited for before the step, where one led to it."""
    outputs: Outputs | None


class Found(NamedTuple):
    """What steps run with, beside their input."""

    contents: Mapping[str, bytes]
    """Of files, by digest."""
    secrets: Secrets | None
    """Of the step's environment; None if it needs none."""


class Loaded(NamedTuple):
    """What can be called, the items to drop because their run or step has ended, and those that are over without a
    call: a sleep, or what cannot be called at all."""

    work: list[Work]
    ended: list[Item]
    over: list[Finished]


class _Run(NamedTuple):
    version_id: int
    environment_id: int
    is_open: bool
    event: str


_NO_RUN = _Run(0, 0, False, "")

# LIMIT keeps the planner from joining with all events there are, by a plan that was made while the tables were empty.
_RUNS = """
SELECT run.id, run.version_id, run.environment_id, run.ended_at IS NULL, event.payload
FROM state_run AS run,
     LATERAL (SELECT payload FROM event_stream_event WHERE seq = run.event_seq LIMIT 1) AS event
WHERE run.id = ANY (%b::text[])
"""


def load(items: Sequence[Item], worker_id: int) -> Loaded:
    """Read the runs, events and outputs so far of claimed items, and the code that this machine does not have yet. One
    statement for each of these that there is to read, whatever the number of items."""
    run_ids = list({item.run_id for item in items})
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, (run_ids,))
        runs = {run_id: _Run(*rest) for run_id, *rest in cursor.fetchall()}
    load_versions({run.version_id for run in runs.values()})
    # A function of one step has no earlier outputs to read.
    several = [run_id for run_id, run in runs.items() if _has_several_steps(run.version_id)]
    outputs = outputs_of(several, settings.STEP_INPUT_MAX_BYTES) if several else {}
    led_here = _events_that_led_to([item for item in items if _may_follow_event(runs, item)])
    of_sdks = [item for item in items if item.run_id in runs and is_sdk_version(runs[item.run_id].version_id)]
    memories = read_memories(of_sdks, settings.SDK_STATE_MAX_BYTES)
    open_runs = [(item, run) for item in items if (run := runs.get(item.run_id, _NO_RUN)).is_open]
    contents = read_files({(run.version_id, item.step_id) for item, run in open_runs})
    secrets = read_secrets({(run.environment_id, run.version_id, item.step_id) for item, run in open_runs})
    loaded = Loaded([], [], [])
    for item in items:
        run = runs.get(item.run_id, _NO_RUN)
        version_id = run.version_id
        if not run.is_open:
            loaded.ended.append(item)
            continue
        try:
            if item.run_id in memories:
                version = load_version(version_id)
                of_sdk = SdkItem(item, version, run.environment_id, run.event, memories[item.run_id])
                _load_sdk_item(of_sdk, worker_id, loaded)
                continue
            texts = Texts(run.event, led_here.get((item.run_id, item.step_id)), outputs.get(item.run_id))
            found = Found(contents, secrets.get(run.environment_id))
            loaded.work.append(_work(item, worker_id, version_id, texts, found))
        except Exception as error:
            if not lies_in_a_row(error):
                raise
            # Rule 8: one bad item must not take its neighbours with it. It may be well with another release.
            log.exception("%s cannot be loaded", item)
            failed = StepError(type(error).__name__, f"the step could not be loaded: {error}")
            outcome = Outcome(ok=False, error=failed, retryable=not isinstance(error, InputTooLarge | TooManySteps))
            function = f"version {version_id}"
            loaded.over.append(Finished(item, worker_id, outcome, function, UNLOADABLE_ATTEMPTS, version_id))
    return loaded


def _work(item: Item, worker_id: int, version_id: int, texts: Texts, found: Found) -> Work:
    version = load_version(version_id)
    step = version.definition.steps[item.step_id]
    outputs = texts.outputs
    if outputs is not None and outputs.size > settings.STEP_INPUT_MAX_BYTES:
        raise InputTooLarge(
            f"the outputs of the steps before it are {outputs.size} bytes together; the limit (STEP_INPUT_MAX_BYTES) is"
            f" {settings.STEP_INPUT_MAX_BYTES}"
        )
    call = _call(item, version, step, _payload(item, version, texts), found)
    return Work(item, worker_id, version.definition.id, step.attempts, version_id, call)


def _load_sdk_item(of: SdkItem, worker_id: int, loaded: Loaded) -> None:
    if has_gone(of):
        loaded.ended.append(of.item)
        return
    definition = of.version.definition
    attempts = definition.steps[SDK_STEP].attempts
    outcome = without_call(of)
    if outcome is not None:
        loaded.over.append(Finished(of.item, worker_id, outcome, definition.id, attempts, of.version.id))
    else:
        loaded.work.append(Work(of.item, worker_id, definition.id, attempts, of.version.id, sdk_call(of)))


def _may_follow_event(runs: Mapping[str, _Run], item: Item) -> bool:
    run = runs.get(item.run_id, _NO_RUN)
    try:
        return run.is_open and item.step_id in _steps_after_events(run.version_id)
    except UNREADABLE:
        return False  # its items are told apart below


@lru_cache(maxsize=10_000)
def _steps_after_events(version_id: int) -> frozenset[str]:
    """The steps to which an arriving event may lead."""
    steps = load_version(version_id).definition.steps.values()
    return frozenset(step.id for step in steps if any(edge.listen and not edge.on_timeout for edge in step.after))


# LIMIT keeps both look-ups to their keys.
_LED_TO = """
SELECT asked.run_id, asked.step_id, event.payload
FROM unnest(%b::text[], %b::text[]) AS asked (run_id, step_id),
     LATERAL (SELECT async_seq FROM state_step
              WHERE run_id = asked.run_id AND step_id = asked.step_id LIMIT 1) AS step,
     LATERAL (SELECT payload FROM event_stream_event WHERE seq = step.async_seq LIMIT 1) AS event
"""


def _events_that_led_to(items: Sequence[Item]) -> dict[tuple[str, str], str]:
    """The payload of the event that was waited for before each step, for those that one led to."""
    if not items:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LED_TO, ([item.run_id for item in items], [item.step_id for item in items]))
        return {(run_id, step_id): payload for run_id, step_id, payload in cursor.fetchall()}


def _has_several_steps(version_id: int) -> bool:
    try:
        return len(load_version(version_id).definition.steps) > 1
    except UNREADABLE:
        return False  # its items are told apart below


def _call(item: Item, version: Version, step: Step, payload: bytes, found: Found) -> Call:
    return Call(
        runtime={"type": step.runtime.type, **step.runtime.options},
        payload=payload,
        run_id=item.run_id,
        step_id=item.step_id,
        attempt=item.attempt - 1,
        timeout=step.timeout,
        limits=Limits(
            output_bytes=settings.STEP_OUTPUT_MAX_BYTES,
            log_bytes=settings.STEP_LOG_MAX_BYTES,
            memory_bytes=settings.STEP_MEMORY_MAX_BYTES,
        ),
        bundle=bundle_of(version, step, found.contents),
        owner=version.owner,
        env=variables_of(version, step, found.secrets),
    )


def _payload(item: Item, version: Version, texts: Texts) -> bytes:
    """The JSON object a step gets. Events and outputs are opaque text: they go in as they are."""
    ctx = {
        "fn_id": version.definition.id,
        "run_id": item.run_id,
        "step_id": item.step_id,
        "attempt": item.attempt - 1,
        "env": version.environment,
    }
    outputs = texts.outputs.by_step.items() if texts.outputs is not None else ()
    steps = ",".join(f"{_text(step_id)}:{output}" for step_id, output in outputs)
    arrived = "" if texts.arrived is None else f'"async":{texts.arrived},'
    return (
        f'{{"event":{texts.event},"events":[{texts.event}],{arrived}"steps":{{{steps}}},"ctx":{_text(ctx)}}}'.encode()
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
