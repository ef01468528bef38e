"""The workers of each queue, and the work that nobody does."""

import time
from typing import Any

import psycopg

from apps.cli.doctor.connecting import connect, not_known
from apps.cli.doctor.finding import Finding, fault, ok, one_of, skipped, warning
from apps.cli.doctor.place import Place

LONG_SECONDS = 60
LOOK_AGAIN_SECONDS = 3.0
"""More than a chore's two seconds: what is found twice is not just about to be done."""
_MOST = 1_000
_COMMANDS = {
    "events": "celery -A inngest_server worker -P threads -c 4 -Q events,chores",
    "chores": "celery -A inngest_server worker -P threads -c 4 -Q events,chores",
    "steps": "celery -A inngest_server worker -P threads -c 2 -Q steps",
    "steps.cpu": "celery -A inngest_server worker -P threads -c 2 -Q steps.cpu",
    "steps.docker": "celery -A inngest_server worker -P threads -c 2 -Q steps.docker",
}
_ENGINE = """start the Docker engine there, or set DOCKER_HOST for its workers
until then these steps wait, and use up no attempts"""

_FRESH = "SELECT queues, faults FROM state_worker WHERE heartbeat_at > clock_timestamp() - make_interval(secs => %s)"
_PARKED = f"SELECT count(*) FROM (SELECT FROM event_stream_parkedevent LIMIT {_MOST}) AS parked"
# A step's row has the time of its planning; one that slept or waited may have come just now, hence the second look.
_WAITING_STEPS = f"""
SELECT item.id, item.queue FROM (SELECT * FROM state_readyitem ORDER BY id LIMIT {_MOST}) AS item
JOIN state_step AS step ON step.run_id = item.run_id AND step.step_id = item.step_id
WHERE step.queued_at < clock_timestamp() - make_interval(secs => {LONG_SECONDS})
"""
_WAITING_EVENTS = f"""
SELECT inbox.seq FROM (SELECT seq FROM event_stream_inbox ORDER BY seq LIMIT {_MOST}) AS inbox
JOIN event_stream_event AS event ON event.seq = inbox.seq
WHERE event.received_at < clock_timestamp() - make_interval(secs => {LONG_SECONDS})
"""
_LEASES_OF_NOBODY = f"""
SELECT leased.id FROM state_leaseditem AS leased WHERE NOT EXISTS (
    SELECT FROM state_worker AS worker WHERE worker.id = leased.worker_id
    AND worker.heartbeat_at > clock_timestamp() - make_interval(secs => %s)
) LIMIT {_MOST}
"""

Connection = psycopg.Connection[tuple[Any, ...]]


def check_workers(place: Place) -> list[Finding]:
    try:
        with connect() as connection:
            return [
                *_queues(connection, place),
                *_docker(connection, place),
                _parked(connection),
                *_undone(connection, place),
            ]
    except psycopg.Error as error:
        return not_known("workers", error)


def _queues(connection: Connection, place: Place) -> list[Finding]:
    from django.conf import settings

    from apps.event_api.readiness import QUEUES

    rows = connection.execute(_FRESH, (float(settings.LEASE_SECONDS),)).fetchall()
    serving = [set(row[0].split(",")) for row in rows]
    counts = {queue: sum(queue in queues for queues in serving) for queue in QUEUES}
    return [
        ok(f"queue {queue}", one_of(number, "process", "processes"))
        if number
        else fault(f"queue {queue}", "no worker takes from it", place.start(_COMMANDS[queue]))
        for queue, number in counts.items()
    ]


def _docker(connection: Connection, place: Place) -> list[Finding]:
    """The workers of containers. Without docker steps nobody needs them, nor an engine."""
    from django.conf import settings

    from apps.event_api.readiness import DOCKER, DOCKER_WAITS, why_no_docker

    rows = connection.execute(_FRESH, (float(settings.LEASE_SECONDS),)).fetchall()
    faults = [row[1] for row in rows if DOCKER in row[0].split(",")]
    why = why_no_docker(rows)
    if why is None:
        broken = sorted({fault for fault in faults if fault})
        served = ok(f"queue {DOCKER}", one_of(len(faults), "process", "processes"))
        return [served, *(warning("Docker engine", f"of a worker: {fault}", _ENGINE) for fault in broken)]
    waits = connection.execute(DOCKER_WAITS, (settings.UNAVAILABLE_RETRY_SECONDS,)).fetchone()
    steps_wait = bool(waits and waits[0])
    if not faults:
        found = "no worker takes from it"
        if steps_wait:
            return [fault(f"queue {DOCKER}", f"{found}, and steps wait", place.start(_COMMANDS[DOCKER]))]
        return [skipped(f"queue {DOCKER}", f"{found}; only docker steps need one")]
    served = ok(f"queue {DOCKER}", one_of(len(faults), "process", "processes"))
    if steps_wait:
        return [served, fault("Docker engine", f"{why}; steps wait", _ENGINE)]
    if settings.INNGEST_DEV:
        return [served, skipped("Docker engine", f"{why}; only docker steps need one")]
    return [served, warning("Docker engine", why, _ENGINE)]


def _parked(connection: Connection) -> Finding:
    row = connection.execute(_PARKED).fetchone()
    number = int(row[0]) if row else 0
    if number:
        found = f"{_at_least(number, 'event')} could not be consumed"
        to_do = "python manage.py parked_events says why; parked_events --retry takes them up again"
        return warning("parked events", found, to_do)
    return ok("parked events", "none")


def _undone(connection: Connection, place: Place) -> list[Finding]:
    """What has been there for long, at two looks."""
    before = _look(connection)
    if any(before):
        time.sleep(LOOK_AGAIN_SECONDS)
        steps, events, leases = (old & new for old, new in zip(before, _look(connection), strict=True))
    else:
        steps, events, leases = before
    return [_waiting(steps, events), _leases(leases, place)]


def _look(connection: Connection) -> tuple[set[Any], set[Any], set[Any]]:
    from django.conf import settings

    steps = set(connection.execute(_WAITING_STEPS).fetchall())
    events = set(connection.execute(_WAITING_EVENTS).fetchall())
    leases = set(connection.execute(_LEASES_OF_NOBODY, (float(settings.LEASE_SECONDS),)).fetchall())
    return steps, events, leases


def _waiting(steps: set[Any], events: set[Any]) -> Finding:
    counts = {queue: sum(step[1] == queue for step in steps) for queue in sorted({step[1] for step in steps})}
    told = [f"{_at_least(number, 'step')} in queue {queue}" for queue, number in counts.items()]
    told += [_at_least(len(events), "event")] if events else []
    if told:
        to_do = "if the queue has workers, their logs say what they do; more workers do more"
        return fault("waiting work", f"{', '.join(told)}, for more than a minute", to_do)
    return ok("waiting work", "nothing waits for longer than a minute")


def _leases(leases: set[Any], place: Place) -> Finding:
    if leases:
        found = f"{_at_least(len(leases), 'step')} with a worker that is gone"
        back = "a worker of queue chores gives them back, rung for by beat"
        return fault("lost leases", found, f"{back}\n{place.start(_COMMANDS['chores'])}")
    return ok("lost leases", "none")


def _at_least(number: int, what: str) -> str:
    return f"{_MOST:,} {what}s or more" if number >= _MOST else one_of(number, what)
