"""When a Celery worker is ready, it begins to beat; when it is told to stop, its drains claim no more."""

from typing import Any

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

from apps.executor.worker import this_worker
from drivers.registry import close_drivers


@worker_ready.connect
def begin(sender: Any, **_: object) -> None:
    this_worker.start([queue.name for queue in sender.task_consumer.queues])


@worker_shutting_down.connect
def stop_claiming(**_: object) -> None:
    this_worker.stopping.set()


@worker_shutdown.connect
def end(**_: object) -> None:
    this_worker.stop()
    close_drivers()
