"""The runner's Celery task: a doorbell for the inbox."""

from celery import shared_task

from apps.doorbell.answering import Answer
from apps.runner.consume_events import consume_events

_answer = Answer(consume_events)


@shared_task(name="runner.consume_events")
def consume_events_task() -> None:
    _answer()
