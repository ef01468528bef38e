"""When a Celery worker is ready, it begins to beat; when it is told to stop, its drains claim no more."""

from typing import Any

from celery.exceptions import WorkerShutdown
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

from apps.doorbell.stopping import stopping
from apps.executor.worker import this_worker
from drivers.registry import close_drivers

_POOL = "celery.concurrency.thread"


@worker_ready.connect
def begin(sender: Any, **_: object) -> None:
    """Refuses any pool but threads: in a forked child no heartbeat would renew what it leases."""
    if type(sender.pool).__module__ != _POOL:
        raise WorkerShutdown(f"This server's workers need --pool threads, not {type(sender.pool).__module__}.")
    this_worker.start([queue.name for queue in sender.task_consumer.queues])


@worker_shutting_down.connect
def stop_claiming(**_: object) -> None:
    stopping.set()


@worker_shutdown.connect
def end(**_: object) -> None:
    this_worker.stop()
    close_drivers()
