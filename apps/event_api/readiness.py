"""`/ready`: whether events are not only accepted but also worked on, and if not, what is missing."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
from celery import current_app
from django.conf import settings

from apps.event_api.database import connect
from apps.event_api.wire import Answer, json_answer

CHECK_SECONDS = 3
KEPT_SECONDS = 1.0
PULSE_SECONDS = 10.0
QUEUES = ("events", "steps", "steps.cpu", "chores")
DOCKER = "steps.docker"
"""Its workers are missed once there is something for them: a server without docker steps needs neither them nor an
engine. Then it is as with any other queue: what is accepted is not worked on, and that is not ready."""

_WORKERS = "SELECT queues, faults FROM state_worker WHERE heartbeat_at > clock_timestamp() - make_interval(secs => %s)"
_BEAT = "SELECT extract(epoch FROM clock_timestamp() - max(at))::float8 FROM state_pulse"
# What an engine is away from is mostly scheduled, to be tried again soon. Asked only when no worker can run it.
DOCKER_WAITS = """
SELECT COALESCE(
  (SELECT true FROM state_readyitem WHERE queue = 'steps.docker' ORDER BY queue, function_id LIMIT 1),
  (SELECT true FROM state_scheduleditem WHERE due_at < now() + make_interval(secs => 2 * %s)
   AND queue = 'steps.docker' ORDER BY due_at LIMIT 1),
  (SELECT true FROM state_leaseditem WHERE queue = 'steps.docker' LIMIT 1),
  false)
"""

Checks = dict[str, str | None]
"""By name, what is wrong; None if nothing is."""


class Readiness:
    """Looks at most once a second, however often it is asked."""

    def __init__(self) -> None:
        self._looking = asyncio.Lock()
        self._looked_at = 0.0
        self._kept: Answer | None = None
        # One thread: a broker that never answers must not take another one with every question.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ready")
        self._broker: asyncio.Future[None] | None = None

    async def look(self) -> Answer:
        async with self._looking:
            if self._kept is None or time.monotonic() - self._looked_at > KEPT_SECONDS:
                self._kept = _answer({**await self._database(), "broker": await self._ask_broker()})
                self._looked_at = time.monotonic()
            return self._kept

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _database(self) -> Checks:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return {"database": None, **await _read_signs()}
        except (psycopg.Error, OSError) as error:
            unknown = "not known without the database"
            return {"database": _reason(error), "workers": unknown, "beat": unknown, "docker": unknown}

    async def _ask_broker(self) -> str | None:
        if self._broker is None:
            self._broker = asyncio.get_running_loop().run_in_executor(self._thread, _greet_broker)
        done, _ = await asyncio.wait({self._broker}, timeout=CHECK_SECONDS)
        if not done:
            return f"no answer within {CHECK_SECONDS} s"
        error, self._broker = self._broker.exception(), None
        return _reason(error) if error else None


async def _read_signs() -> Checks:
    connection = await connect()
    async with connection:
        rows = await (await connection.execute(_WORKERS, (float(settings.LEASE_SECONDS),))).fetchall()
        pulse = await (await connection.execute(_BEAT)).fetchone()
        docker = docker_fault(rows)
        if docker is not None:
            waits = await (await connection.execute(DOCKER_WAITS, (settings.UNAVAILABLE_RETRY_SECONDS,))).fetchone()
            docker = docker if waits and waits[0] else None
    served = {queue for row in rows for queue in row[0].split(",")}
    unserved = [queue for queue in QUEUES if queue not in served]
    age = pulse[0] if pulse else None
    return {
        "workers": f"no worker for {', '.join(unserved)}" if unserved else None,
        "beat": None if age is not None and age < PULSE_SECONDS else _silence(age),
        "docker": f"steps wait: {docker}" if docker else None,
    }


def docker_fault(workers: Sequence[tuple[str, str]]) -> str | None:
    """The same in words for everybody: where the engine is, `doctor` and the workers' logs say."""
    if any(DOCKER in queues.split(",") and faults for queues, faults in workers) and why_no_docker(workers):
        return "the Docker engine does not answer"
    return why_no_docker(workers)


def why_no_docker(workers: Sequence[tuple[str, str]]) -> str | None:
    """Why none of the living workers (their queues, their faults) could run a docker step; None if one could. May hold
    the engine's address."""
    faults = [faults for queues, faults in workers if DOCKER in queues.split(",")]
    if not faults:
        return f"no worker for {DOCKER}"
    return None if "" in faults else faults[0].removeprefix("docker: ")


def _silence(age: float | None) -> str:
    heard = "never been heard of" if age is None else f"last been heard of {age:.0f} s ago"
    return f"beat, or the workers of queue chores that it rings for, has {heard}"


def _greet_broker() -> None:
    options = {**(current_app.conf.broker_transport_options or {}), "socket_timeout": CHECK_SECONDS}
    with current_app.connection_for_write(connect_timeout=CHECK_SECONDS, transport_options=options) as connection:
        connection.ensure_connection(max_retries=1, timeout=CHECK_SECONDS)


def _reason(error: BaseException) -> str:
    return (
        "does not answer" if isinstance(error, TimeoutError) else str(error).partition("\n")[0] or type(error).__name__
    )


def _answer(checks: Checks) -> Answer:
    status = 503 if any(checks.values()) else 200
    report = {name: {"ok": fault is None, "message": fault or "OK"} for name, fault in checks.items()}
    return json_answer(status, {"status": status, "checks": report})
