"""Record: what became of finished calls, several together, in one transaction (rules 5 to 8)."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from apps.executor.backoff import delay_after
from apps.executor.errors import error_text
from apps.executor.finished import UNREADABLE, Finished, is_retried, may_be_of_sdk, retry_of, why
from apps.executor.postponing import postpone_unavailable
from apps.executor.sdk_recording import record_sdk
from apps.state import queue
from apps.state.attempts import EndedAttempt, end_attempts
from apps.state.ending import settle_runs
from apps.state.following import Completed, follow
from apps.state.history import Entry, add_history
from apps.state.row_faults import lies_in_a_row
from apps.state.scheduling import schedule_retries
from apps.state.transitions import lock_runs
from apps.state.wakes import Wakes
from drivers.contract import Outcome, StepError

log = logging.getLogger(__name__)


class Recorded(NamedTuple):
    """What a record queued, the database's time then, and what it added to the history."""

    wakes: Wakes
    now: datetime | None
    history: list[Entry]
    over: frozenset[tuple[int, int]] = frozenset()
    """The leases (item, worker) that held and whose attempts are over now: recorded, or dropped with their run."""


def record(finished: Sequence[Finished]) -> Recorded:
    """Record the outcomes whose lease still holds and whose run is open; drop the others quietly.

    A batch that the database refuses is recorded one by one, and an outcome that it refuses alone fails its own step.
    Raises what does not lie in a row (the database is away): nothing is recorded then, and it can be called again.
    """
    try:
        return _record(finished)
    except Exception as error:
        if not lies_in_a_row(error):
            raise
        if len(finished) == 1:
            log.exception("the outcome of %s cannot be stored", finished[0].item)
            return _record_refused(finished[0], error)
    log.warning("a batch of %d outcomes failed, each is recorded alone", len(finished))
    together = Recorded(Wakes(), None, [])
    for one in finished:
        alone = record([one])
        together.wakes.add(alone.wakes)
        together = Recorded(
            together.wakes, alone.now or together.now, together.history + alone.history, together.over | alone.over
        )
    return together


def _record_refused(one: Finished, error: Exception) -> Recorded:
    """Record that an outcome could not be. If that is refused, too, the item is left to the next heartbeat, which gives
    back what nobody here knows of: it must not hold up others."""
    try:
        return _record([one._replace(outcome=_unstorable(error))])
    except Exception as again:
        if not lies_in_a_row(again):
            raise
        log.exception("nothing can be recorded of %s; it will be tried again", one.item)
        return Recorded(Wakes(), None, [])


def _unstorable(error: Exception) -> Outcome:
    message = f"the step's result could not be stored: {type(error).__name__}: {error}".replace("\0", "\ufffd")
    # What cannot be read here, as a function of a later release that is invoked, may be read by another worker.
    return Outcome(ok=False, error=StepError("UnstorableOutput", message), retryable=isinstance(error, UNREADABLE))


@transaction.atomic
def _record(finished: Sequence[Finished]) -> Recorded:
    locked = lock_runs([one.item.run_id for one in finished])
    refused: list[Finished] = []
    ended: list[Finished] = []
    for one in finished:
        (refused if one.outcome.unavailable and one.item.run_id in locked.open else ended).append(one)
    held = queue.finish([(one.item.id, one.worker_id) for one in ended]) if ended else set()
    # A process that was declared dead may have had an item under both of its identities: one of them counts.
    ours = [one for one in ended if (one.item.id, one.worker_id) in held]
    live = [one for one in ours if one.item.run_id in locked.open]
    dropped = [
        Entry(one.item.run_id, "step.dropped", "its run had ended", one.item.step_id)
        for one in ours
        if one.item.run_id not in locked.open
    ]
    wakes = Wakes()
    if locked.now is None:
        return Recorded(wakes, None, [])
    now, over = locked.now, frozenset(held)
    add_history(dropped, now)
    told = dropped + postpone_unavailable(refused, now, wakes)
    if not live:
        return Recorded(wakes, now, told, over)
    recorded = record_sdk([one for one in live if may_be_of_sdk(one.version_id)], locked.queued, now, wakes)
    told += recorded.history
    told += _record_declared([one for one in live if one.item.id not in recorded.items], now, wakes)
    return Recorded(wakes, now, told, over)


def _record_declared(live: Sequence[Finished], now: datetime, wakes: Wakes) -> list[Entry]:
    """What became of steps of declared functions. What it added to the history."""
    if not live:
        return []
    delays = {one.item.id: delay_after(one.item.attempt, one.outcome.retry_after) for one in live if is_retried(one)}
    ended = [_ended(one, delays.get(one.item.id)) for one in live]
    end_attempts(ended, now)
    retries = [retry_of(one, now + timedelta(seconds=delays[one.item.id])) for one in live if one.item.id in delays]
    schedule_retries(retries)
    wakes.due += [retry.due_at for retry in retries]
    told = [Entry(attempt.run_id, attempt.kind, attempt.reason, attempt.step_id) for attempt in ended]
    told += follow([_completed(one) for one in live if one.outcome.ok], now, wakes)
    return told + settle_runs(list({one.item.run_id for one in live}), now, wakes)


def _completed(one: Finished) -> Completed:
    item = one.item
    return Completed(item.run_id, item.function_id, one.version_id, item.step_id, item.since_seq)


def _ended(one: Finished, delay: float | None) -> EndedAttempt:
    item, outcome = one.item, one.outcome
    if outcome.ok:
        kind, reason = "step.completed", f"attempt {item.attempt} succeeded"
    elif delay is not None:
        kind, reason = "step.retrying", why(one, f"again in {delay:.3g} s")
    else:
        kind = "step.failed"
        reason = why(one, "the last one" if outcome.retryable else "not to be tried again")
    error = None if outcome.ok else error_text(outcome.error)
    return EndedAttempt(
        item.run_id, item.step_id, item.attempt, kind, reason, outcome.output, error, outcome.log, item.leased_at
    )
