"""A call that is over, as it is handed from the drain to the record."""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from apps.datastore.models import FunctionVersion
from apps.datastore.versions import load_version
from apps.executor.asked import Opcode
from apps.executor.opcodes import BadAnswer
from apps.state.queue import Item
from apps.state.scheduling import Retry
from drivers.contract import Outcome


class Finished(NamedTuple):
    """An item whose call is over, the worker that leased it, the outcome, and what the function says of its step."""

    item: Item
    worker_id: int
    outcome: Outcome
    function: str
    """Its id, for people."""
    attempts: int
    """How many tries the step has in all."""
    version_id: int
    answer: list[Opcode] | BadAnswer | None = None
    """What an SDK's function asks for, where it answered with opcodes. Read by the thread that made the call: that of
    the drain, which records with runs locked, has better to do."""


UNREADABLE = (FunctionVersion.DoesNotExist, msgspec.DecodeError)
"""What `load_version` raises for a version that cannot be read, as one of a later release."""


def is_sdk_version(version_id: int) -> bool:
    """Whether an SDK serves the function of this version; False if it cannot be read."""
    try:
        return _is_sdk(version_id)
    except UNREADABLE:
        return False  # its items are told apart when they are loaded


def may_be_of_sdk(version_id: int) -> bool:
    """The same, but True if the version cannot be read: what stands of its runs in the database tells, then."""
    try:
        return _is_sdk(version_id)
    except UNREADABLE:
        return True


@lru_cache(maxsize=10_000)
def _is_sdk(version_id: int) -> bool:
    return load_version(version_id).definition.sdk is not None


def is_retried(one: Finished) -> bool:
    """Whether it has failed and is tried again."""
    return not one.outcome.ok and one.outcome.retryable and one.item.attempt < one.attempts


def why(one: Finished, then: str) -> str:
    """The reason in the history for an attempt that failed."""
    message = one.outcome.error.message if one.outcome.error else "it failed without saying why"
    return f"attempt {one.item.attempt} of {one.attempts} failed, {then}: {message[:500]}"


def retry_of(one: Finished, due_at: datetime) -> Retry:
    """The next attempt."""
    item = one.item
    return Retry(
        item.run_id,
        item.step_id,
        item.function_id,
        item.queue,
        item.attempt + 1,
        due_at,
        item.leased_at,
        item.since_seq,
        item.plan_only,
    )
