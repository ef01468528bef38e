"""The executor's Celery tasks. None carries state: each says only that there may be work."""

from functools import cache

from celery import shared_task

from apps.doorbell.answering import Answer
from apps.executor.chores.reclaim_leases import reclaim_leases
from apps.executor.chores.retention import delete_old
from apps.executor.chores.wake_due import wake_due
from apps.executor.drain import Drain


@cache
def _answer(queue: str) -> Answer:
    drain = Drain(queue)
    return Answer(drain.run, drain.wake)


@shared_task(name="executor.drain")
def drain_task(queue: str) -> None:
    _answer(queue)()


_wake_due = Answer(wake_due)


@shared_task(name="executor.wake_due")
def wake_due_task() -> None:
    _wake_due()


@shared_task(name="executor.reclaim_leases")
def reclaim_leases_task() -> None:
    reclaim_leases()


@shared_task(name="executor.retention")
def retention_task() -> None:
    delete_old()
