"""When a Celery worker is ready, it begins to beat; when it is told to stop, its drains claim no more."""

from typing import Any

from celery.exceptions import WorkerShutdown
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

from apps.doorbell.stopping import stopping
from apps.executor import engine_watch
from apps.executor.driver_settings import configure_drivers
from apps.executor.engine_watch import EngineWatch
from apps.executor.releasing import releasing
from apps.executor.worker import this_worker
from drivers.registry import close_drivers, problems

RELEASE_SECONDS = 2.0
"""What is left then is found by `remove_orphans`."""
_POOL = "celery.concurrency.thread"
_watch = EngineWatch(this_worker)


@worker_ready.connect
def begin(sender: Any, **_: object) -> None:
    """Refuses any pool but threads: in a forked child no heartbeat would renew what it leases."""
    if type(sender.pool).__module__ != _POOL:
        raise WorkerShutdown(f"This server's workers need --pool threads, not {type(sender.pool).__module__}.")
    queues = [queue.name for queue in sender.task_consumer.queues]
    configure_drivers()
    problems()  # what is wrong with drivers of installed packages is in the log before a step needs one
    this_worker.start(queues)
    if engine_watch.QUEUE in queues:
        _watch.start()


@worker_shutting_down.connect
def stop_claiming(**_: object) -> None:
    stopping.set()


@worker_shutdown.connect
def end(**_: object) -> None:
    _watch.stop()
    this_worker.stop()
    releasing.wait(RELEASE_SECONDS)
    close_drivers()
