"""The Celery application: which task goes to which queue, and what beat rings for.

Messages carry no state (rule 1): every task acks early, keeps no result and may be lost, doubled or late.
"""

import os
import signal
from datetime import timedelta

from celery import Celery
from celery.signals import beat_init, setup_logging

# Celery imports from the current folder first. What has been imported cannot be mistaken for a folder of that name.
import apps  # noqa: F401
import drivers  # noqa: F401

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inngest_server.settings")

# Celery takes these before its configuration: what a shell holds for another project must not be our broker.
for _variable in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND"):
    os.environ.pop(_variable, None)

app = Celery("inngest_server")

from django.conf import settings  # noqa: E402 - needs the variable above

# A broker that falls silent without a word is given up, by those who ring and by those who listen.
# A message may be lost, so none is kept until it is acknowledged: that would be four more commands each.
_REDIS_OPTIONS = {
    "socket_connect_timeout": 5,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "ack_emulation": False,
}

app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options=_REDIS_OPTIONS if settings.BROKER_URL.startswith(("redis", "valkey", "sentinel")) else {},
    # A drain's threads, its heartbeat and Celery's own share a process; `lifecycle` refuses any other pool.
    worker_pool="threads",
    # A thread keeps its connection from task to task: to take it from the pool and have it checked takes longer than
    # many an answer to a bell. `Answer` lets go of it when something goes wrong.
    CELERY_DB_REUSE_MAX=1_000_000,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=False,
    # Says nothing of ours, which ack early; unset, every lost connection costs eight lines of warning.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    task_create_missing_queues=True,
    task_default_queue="chores",
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_eta_task_limit=1_000,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    event_queue_expires=60,
    enable_utc=True,
    timezone="UTC",
    task_routes={
        "runner.consume_events": {"queue": "events"},
        "runner.probe_waits": {"queue": "events"},
        "runner.expire_waits": {"queue": "events"},
        "runner.resume_wide_events": {"queue": "events"},
        "runner.run_crons": {"queue": "events"},
        "executor.wake_due": {"queue": "chores"},
        "executor.reclaim_leases": {"queue": "chores"},
        "executor.retention": {"queue": "chores"},
    },
    # A stopped fleet must not come back to an hour of bells. A minute, because beat's clock is held against a worker's
    # (django-celery-beat knows `expire_seconds` alone, and drops Celery's `expires` without a word).
    beat_schedule={
        "consume events": {
            "task": "runner.consume_events",
            "schedule": timedelta(seconds=1),
            "options": {"expire_seconds": 60, "queue": "events"},
        },
        "probe waits": {
            "task": "runner.probe_waits",
            "schedule": timedelta(seconds=1),
            "options": {"expire_seconds": 60, "queue": "events"},
        },
        "resume wide events": {
            "task": "runner.resume_wide_events",
            "schedule": timedelta(seconds=1),
            "options": {"expire_seconds": 60, "queue": "events"},
        },
        "expire waits": {
            "task": "runner.expire_waits",
            "schedule": timedelta(seconds=1),
            "options": {"expire_seconds": 60, "queue": "events"},
        },
        "run crons": {
            "task": "runner.run_crons",
            "schedule": timedelta(seconds=1),
            "options": {"expire_seconds": 60, "queue": "events"},
        },
        "wake what is due": {
            "task": "executor.wake_due",
            "schedule": timedelta(seconds=1),
            "options": {"expire_seconds": 60, "queue": "chores"},
        },
        "reclaim lost leases": {
            "task": "executor.reclaim_leases",
            "schedule": timedelta(seconds=2),
            "options": {"expire_seconds": 60, "queue": "chores"},
        },
        "retention": {
            "task": "executor.retention",
            "schedule": timedelta(minutes=5),
            "options": {"expire_seconds": 300, "queue": "chores"},
        },
    },
)


@setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Celery configures no logging where someone listens to this signal; Django's settings have done it."""


app.autodiscover_tasks(["apps.runner", "apps.executor"])


@beat_init.connect
def end_at_once(**_: object) -> None:
    """Let beat end when it is told to: it keeps nothing that could be lost.

    Celery's own handler closes the connection to the broker under a publish, and the failure of that publish swallows
    the exit: beat then goes on for ever.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
