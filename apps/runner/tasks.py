"""The runner's Celery tasks. None carries state: each says only that there may be work."""

from celery import shared_task

from apps.doorbell.answering import Answer
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.runner.resume_wide_events import resume_wide_events
from apps.runner.run_crons import run_crons

_consume_events = Answer(consume_events)
_probe_waits = Answer(probe_waits)
_expire_waits = Answer(expire_waits)
_resume_wide_events = Answer(resume_wide_events)
_run_crons = Answer(run_crons)


@shared_task(name="runner.consume_events")
def consume_events_task() -> None:
    _consume_events()


@shared_task(name="runner.probe_waits")
def probe_waits_task() -> None:
    _probe_waits()


@shared_task(name="runner.expire_waits")
def expire_waits_task() -> None:
    _expire_waits()


@shared_task(name="runner.run_crons")
def run_crons_task() -> None:
    _run_crons()


@shared_task(name="runner.resume_wide_events")
def resume_wide_events_task() -> None:
    _resume_wide_events()
