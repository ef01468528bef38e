"""One function's runs, with the whole engine in this process: the other half of `throwaway.py`.

A Celery worker for all queues on a thread of its own, the bells that beat would ring on another, and on the main
thread the events, one after the other. What is run, how it is recorded and what is told of it is as anywhere else.
"""

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import psycopg
import redis
from celery import signals
from celery.worker import WorkController
from django.conf import settings
from django.db import transaction

from apps.datastore.definition import Checked, FunctionDefinition, check_files, read_files
from apps.datastore.deploying import Content, deploy
from apps.datastore.deploys import By
from apps.datastore.models import Environment, FunctionVersion
from apps.devserver.jobs import EVENTS, RESULTS, Job, write_result
from apps.doorbell.ringing import ring
from apps.doorbell.stopping import stopping
from apps.event_api.limits import read_limits
from apps.event_stream.appending import append_numbered
from apps.event_stream.models import InboxEntry, ParkedEvent
from apps.event_stream.new_event import make_event
from apps.executor.worker import this_worker
from apps.runner.event_values import EventValues
from apps.runner.run_crons import EVENT_NAME
from apps.runner.starting import Candidate, start_candidates
from apps.state.clock import read_now
from apps.state.teller import stop_telling
from apps.state.wakes import Wakes, ring_for
from drivers.registry import driver_for, queue_for
from inngest_server.celery import app

_THREADS = 12
"""More than there are tasks that take long: a drain for each queue of steps."""
_LOOK_SECONDS = 0.02
_START_SECONDS = 60.0
_ABORT_SECONDS = 3.0
_NOT_RUNG = {"run crons", "retention"}
"""The cron of a function that is tried out does not tick meanwhile."""


def run_events(folder: Path, work: Path) -> None:
    """Run the function in `folder` on the events that come to be in `work`. Ends once all are done, or by SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    read_limits()  # lets the parser go as deep as events may
    try:
        checked = check_files(read_files(folder))
        _wait_for_stores()
        worker = _Worker(
            app=app,
            pool="threads",
            concurrency=_THREADS,
            queues=_queues(checked.definition),
            hostname="run@localhost",
            loglevel="WARNING",
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        )
        threading.Thread(target=worker.start, name="worker", daemon=True).start()
        version = _deploy(folder, checked)
        for kind in dict.fromkeys(step.runtime.type for step in checked.definition.steps.values()):
            driver_for(kind)  # made while the worker begins
        if not worker.is_ready.wait(_START_SECONDS):
            raise TimeoutError("the worker did not begin")
        threading.Thread(target=_ring_forever, name="bells", daemon=True).start()
        with (work / RESULTS).open("wb") as results:
            for job in _read_jobs(work / EVENTS):
                write_result(results, _run(version, job))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end()


def _queues(definition: FunctionDefinition) -> list[str]:
    """Those of its own steps alone: the engine of containers, say, is looked for by who takes from that queue."""
    return ["events", "chores", *dict.fromkeys(queue_for(step.runtime.type) for step in definition.steps.values())]


class _Worker(WorkController):
    """Celery's worker without what it does for a process of its own: signals, a title, a word at the start."""

    def __init__(self, **options: Any) -> None:
        self.is_ready = threading.Event()
        super().__init__(**options)

    def on_consumer_ready(self, consumer: Any) -> None:
        signals.worker_ready.send(sender=consumer)
        self.is_ready.set()


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _end() -> None:
    """Nobody goes on with what is running now: it is cancelled, and not handed over."""
    for abort in list(this_worker.in_flight.values()):
        abort.set("cancel")
    deadline = time.monotonic() + _ABORT_SECONDS
    while this_worker.in_flight and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    stopping.set()
    signals.worker_shutting_down.send(sender=app, sig="SIGTERM", how="Warm", exitcode=0)
    signals.worker_shutdown.send(sender=app)
    stop_telling()


def _wait_for_stores() -> None:
    """Both are started beside us."""
    deadline = time.monotonic() + _START_SECONDS
    while fault := _database_fault() or _broker_fault():
        if time.monotonic() > deadline:
            raise TimeoutError(fault)
        time.sleep(_LOOK_SECONDS)


def _database_fault() -> str | None:
    try:
        psycopg.connect(settings.DATABASE_URL, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return f"PostgreSQL did not answer: {error}"
    return None


def _broker_fault() -> str | None:
    try:
        redis.Redis(unix_socket_path=settings.BROKER_URL.removeprefix("redis+socket://"), socket_timeout=2).ping()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        return f"Valkey did not answer: {error}"
    return None


def _ring_forever() -> None:
    """What beat does elsewhere."""
    while True:
        for name, entry in app.conf.beat_schedule.items():
            if name not in _NOT_RUNG:
                ring(entry["task"], queue=entry["options"]["queue"])
        time.sleep(1.0)


def _deploy(folder: Path, checked: Checked) -> FunctionVersion:
    content = Content(checked.definition, checked.files, str(folder.resolve()))
    deploy(Environment.objects.get(slug="dev"), [content], By("load", "inngest run"))
    return FunctionVersion.objects.select_related("function__environment").get()


def _read_jobs(file: Path) -> Sequence[Job]:
    """They are made while we start."""
    while not file.exists():
        time.sleep(_LOOK_SECONDS)
    return msgspec.json.decode(file.read_bytes(), type=list[Job])


def _run(version: FunctionVersion, job: Job) -> bytes:
    """The run as the REST API has it, with its steps; where none was started, why."""
    environment = version.function.environment
    seq = _append(version, job)
    from apps.core_api.runs import load_runs  # it takes a while to import: the run begins meanwhile
    from apps.core_api.starts import load_starts
    from apps.core_api.steps import run_with_steps

    while InboxEntry.objects.filter(seq=seq).count():
        time.sleep(_LOOK_SECONDS)
    parked = ParkedEvent.objects.filter(seq=seq).values_list("reason", flat=True)
    starts = load_starts([seq], None, 1).starts
    if not starts or starts[0].run_id is None:
        reason = next(iter([*parked, *(start.reason for start in starts)]), None)
        return msgspec.json.encode({"run": None, "reason": reason or "the event is not one of its triggers"})
    while not (run := load_runs(environment, [starts[0].run_id])[0]).ended_at:
        time.sleep(_LOOK_SECONDS)
    return msgspec.json.encode({"run": run_with_steps(run), "reason": None})


def _append(version: FunctionVersion, job: Job) -> int:
    """Put the event into the stream; a cron's starts its function by itself, as in `runner.run_crons`."""
    environment_id = version.function.environment_id
    event = make_event(environment_id, job.name, job.data, user=job.user, event_id=job.id, ts=job.ts, v=job.v)
    wakes = Wakes()
    with transaction.atomic():
        seq = append_numbered([event])[0]
        if job.by_cron:
            candidate = Candidate(
                seq, environment_id, version.function_id, version.pk, EVENT_NAME, event.internal_id, by_cron=True
            )
            now = read_now()
            start_candidates([candidate], EventValues(), now, wakes)
    if job.by_cron:
        ring_for(wakes, now)
    ring("runner.consume_events", queue="events")
    return seq
