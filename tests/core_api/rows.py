"""Rows put straight into the tables, as the rest of the server would have left them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from apps.datastore.definition.types import to_json
from apps.datastore.models import Environment, Function, FunctionVersion
from apps.event_stream.ids import new_ulid
from apps.event_stream.models import Event
from apps.state.models import Attempt, LeasedItem, NotStarted, Run, Step, Wait
from tests.functions import define

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class StoredRun(NamedTuple):
    id: str
    event: Event
    version: FunctionVersion


def add_event(
    environment: Environment,
    payload: str = '{"name":"user/signed.up","data":{}}',
    *,
    name: str = "user/signed.up",
    received_at: datetime = NOW,
    internal_id: str = "",
    duplicate: bool = False,
) -> Event:
    return Event.objects.create(
        internal_id=internal_id or new_ulid(),
        environment_id=environment.pk,
        name=name,
        payload=payload,
        received_at=received_at,
        duplicate=duplicate,
    )


def version_of(
    environment: Environment, steps: Mapping[str, Sequence[str]] | None = None, slug: str = "post-signup"
) -> FunctionVersion:
    """One more version of the function, live."""
    function, _ = Function.objects.get_or_create(environment=environment, slug=slug)
    version = FunctionVersion.objects.create(
        function=function,
        number=function.versions.count() + 1,
        definition=to_json(define(steps, slug=slug)),
        manifest="{}",
        digest="",
    )
    function.live_version = version
    function.save()
    return version


def add_run(version: FunctionVersion, event: Event, status: str = "queued") -> StoredRun:
    run = Run.objects.create(
        id=new_ulid(),
        environment_id=event.environment_id,
        function=version.function,
        version=version,
        event_seq=event.seq,
        status=status,
        queued_at=NOW,
        started_at=None if status == "queued" else later(1),
        ended_at=None if status in ("queued", "running") else later(10),
    )
    return StoredRun(run.id, event, version)


def add_step(
    run: StoredRun,
    step_id: str,
    *,
    status: str = "open",
    output: str | None = None,
    error: str | None = None,
    queued_at: datetime = NOW,
    ended_at: datetime | None = None,
    failed_tries: int = 0,
    item_id: int = 0,
    leased: bool = False,
) -> None:
    is_open = status == "open"
    tried = failed_tries + (status in ("completed", "failed"))
    Step.objects.create(
        run_id=run.id,
        step_id=step_id,
        status=status,
        item_id=item_id,
        attempts=tried,
        output=output,
        error=error,
        queued_at=queued_at,
        started_at=later(2) if tried else None,
        ended_at=None if is_open else ended_at or later(5),
    )
    for number in range(1, tried + 1):
        ok = status == "completed" and number == tried
        Attempt.objects.create(
            run_id=run.id,
            step_id=step_id,
            number=number,
            ok=ok,
            started_at=later(number),
            ended_at=later(number + 1),
            error=None if ok else error or '{"name":"Error","message":"try again","stack":""}',
            log=f"try {number}\n",
        )
    if leased:
        LeasedItem.objects.create(
            id=item_id,
            queue="steps",
            function_id=run.version.function_id,
            run_id=run.id,
            step_id=step_id,
            attempt=tried + 1,
            worker_id=1,
            leased_at=later(1.5),
        )


def add_wait(run: StoredRun, status: str = "open", kind: str = "step", event_seq: int | None = None) -> Wait:
    return Wait.objects.create(
        run_id=run.id,
        environment_id=run.event.environment_id,
        function=run.version.function,
        kind=kind,
        sources="a,b",
        event_name="user/confirmed",
        paths="",
        key=0,
        since_seq=0,
        opened_at=NOW,
        branches="{}",
        status=status,
        ended_at=None if status == "open" else later(1),
        event_seq=event_seq,
    )


def refuse(event: Event, version: FunctionVersion, why: str = "throttle") -> None:
    """The event did not start the function."""
    NotStarted.objects.bulk_create(
        [NotStarted(event_seq=event.seq, function_id=version.function_id, version_id=version.pk, why=why, reason="r")]
    )


def add_many_runs(version: FunctionVersion, count: int, status: str = "completed") -> None:
    """In bulk, each with an event number of its own but no event, the oldest first."""
    ended = None if status in ("queued", "running") else NOW
    Run.objects.bulk_create(
        Run(
            id=new_ulid(),
            environment_id=version.function.environment_id,
            function_id=version.function_id,
            version=version,
            event_seq=-number,
            status=status,
            queued_at=NOW,
            ended_at=ended,
        )
        for number in range(1, count + 1)
    )


def analyze(*tables: str) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ANALYZE {table}")


def pages(client: Any, path: str, **parameters: Any) -> list[list[dict[str, Any]]]:
    """The data of every page from the first to the last."""
    found = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(path, {**parameters, "cursor": cursor})
        assert answer.status_code == 200, answer.content
        found.append(answer.json()["data"])
        cursor = answer.json()["page"]["next_cursor"]
    return found
