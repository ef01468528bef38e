"""The executor's Celery tasks. None carries state: each says only that there may be work."""

import threading
from functools import cache

from celery import shared_task

from apps.doorbell.answering import Answer
from apps.executor.chores.reclaim_leases import reclaim_leases
from apps.executor.chores.retention import delete_old
from apps.executor.chores.wake_due import wake_due
from apps.executor.drain import Drain

_guard = threading.Lock()


def _answer(queue: str) -> Answer:
    with _guard:  # two first rings at once must not make two drains
        return _drain(queue)


@cache
def _drain(queue: str) -> Answer:
    drain = Drain(queue)
    return Answer(drain.run, drain.wake)


@shared_task(name="executor.drain")
def drain_task(queue: str) -> None:
    _answer(queue)()


# One at a time: a chore that takes longer than beat's pause must not take a second thread.
_wake_due = Answer(wake_due)
_reclaim_leases = Answer(reclaim_leases)
_delete_old = Answer(delete_old)


@shared_task(name="executor.wake_due")
def wake_due_task() -> None:
    _wake_due()


@shared_task(name="executor.reclaim_leases")
def reclaim_leases_task() -> None:
    _reclaim_leases()


@shared_task(name="executor.retention")
def retention_task() -> None:
    _delete_old()
