"""Functions, events and drivers for the tests of the kernel."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection
from msgspec import structs

from apps.datastore.definition.types import Edge, EventTrigger, FunctionDefinition, Runtime, Step
from apps.datastore.deploying import Content
from apps.datastore.deploying import deploy as deploy_all
from apps.datastore.deploys import By
from apps.datastore.models import Environment, Function, FunctionVersion
from apps.datastore.rolling_back import NoSuchFunction, archive
from apps.doorbell.ringing import Ring
from apps.event_stream.ids import new_ulid
from apps.event_stream.models import InboxEntry
from apps.state.models import LeasedItem, ReadyItem, Run, ScheduledItem
from drivers.contract import Abort, Call, Outcome, StepError

DEV = "00000000-0000-4000-b000-000000000000"


def dev_environment() -> Environment:
    """The environment of dev mode, also after a test with transactions has emptied every table."""
    return Environment.objects.get_or_create(slug="dev", defaults={"public_id": DEV})[0]


def define(
    steps: Mapping[str, Sequence[str]] | None = None, *, slug: str = "fn", event: str = "test/event", attempts: int = 1
) -> FunctionDefinition:
    """A function whose steps, by name, follow the named steps (`$trigger` if none)."""
    graph = steps or {"step-1": ()}
    return FunctionDefinition(
        id=slug,
        name=slug,
        triggers=(EventTrigger(event),),
        steps={
            name: Step(
                id=name,
                name=name,
                path="",
                runtime=Runtime("http", {"url": "http://127.0.0.1:9/never-called"}),
                after=tuple(Edge(step) for step in (after or ("$trigger",))),
                attempts=attempts,
                timeout=30.0,
            )
            for name, after in graph.items()
        },
    )


def define_steps(
    steps: Mapping[str, Sequence[Edge]],
    *,
    slug: str = "fn",
    event: str = "test/event",
    attempts: int = 1,
    **fields: Any,
) -> FunctionDefinition:
    """A function with these edges to its steps; `fields` are more of the definition's."""
    plain = define(dict.fromkeys(steps, ()), slug=slug, event=event, attempts=attempts)
    with_edges = {name: structs.replace(plain.steps[name], after=tuple(after)) for name, after in steps.items()}
    return structs.replace(plain, steps=with_edges, **fields)


class Deployed(NamedTuple):
    """The version of a function that is live after a deploy, and whether that changed anything."""

    version: FunctionVersion
    changed: bool


BY = By("deploy", "tests")


def deploy(
    environment: Environment,
    definition: FunctionDefinition,
    files: Mapping[str, str | bytes] | None = None,
    folder: str = "",
) -> Deployed:
    """Deploy one function."""
    own = {path: text.encode() if isinstance(text, str) else text for path, text in (files or {}).items()}
    deployed = deploy_all(environment, [Content(definition, own, folder)], BY)
    function = Function.objects.select_related("live_version").get(environment=environment, slug=definition.id)
    assert function.live_version is not None
    return Deployed(function.live_version, deployed.deploy is not None)


def take_down(environment: Environment, slug: str) -> bool:
    """Archive one function; False if nothing of it was live."""
    try:
        return archive(environment, slug, BY).deploy is not None
    except NoSuchFunction:
        return False


def deploy_steps(steps: Mapping[str, Sequence[Edge]], **options: Any) -> Function:
    return deploy(dev_environment(), define_steps(steps, **options), {}).version.function


def deploy_function(*args: Any, **options: Any) -> Function:
    return deploy(dev_environment(), define(*args, **options), {}).version.function


def append(name: str = "test/event", payload: str | None = None, count: int = 1) -> list[int]:
    """Put events into the stream as the Event API does; returns their numbers."""
    environment = dev_environment()
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH e AS (INSERT INTO event_stream_event"
            " (internal_id, environment_id, name, payload, received_at, duplicate)"
            " SELECT unnest(%s::text[]), %s, %s, %s, now(), false RETURNING seq)"
            " INSERT INTO event_stream_inbox SELECT seq FROM e RETURNING seq",
            ([new_ulid() for _ in range(count)], environment.pk, name, payload or f'{{"name":"{name}","data":{{}}}}'),
        )
        return [row[0] for row in cursor.fetchall()]


def left_over() -> dict[str, int]:
    """What is still to be done: rows in the inbox and in the queue's tables. Empty when all is done."""
    counts = {model.__name__: model.objects.count() for model in (InboxEntry, ReadyItem, ScheduledItem, LeasedItem)}
    return {name: count for name, count in counts.items() if count}


def statuses() -> Counter[str]:
    """How many runs there are of each status."""
    return Counter(Run.objects.values_list("status", flat=True))


def succeed(output: str = "1") -> Outcome:
    return Outcome(ok=True, output=output)


def fail(message: str = "it broke", *, for_good: bool = False, retry_after: float | None = None) -> Outcome:
    """A failed call; tried again unless `for_good`."""
    return Outcome(ok=False, error=StepError("Error", message), retryable=not for_good, retry_after=retry_after)


class ScriptedDriver:
    """A driver whose answers a test gives, and which counts the calls of each step of each run."""

    queue = "steps"

    def __init__(self, answer: Callable[[Call], Outcome] | None = None) -> None:
        self.answer = answer or (lambda call: Outcome(ok=True, output=f'"{call.step_id}"'))
        self.calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def run(self, call: Call, abort: Abort) -> Outcome:
        with self._lock:
            self.calls[call.run_id, call.step_id] += 1
        return self.answer(call)

    def close(self) -> None:
        """Nothing is open."""


class Rings:
    """Stands where the doorbell is, and keeps what it was rung for."""

    def __init__(self) -> None:
        self.heard: list[Ring] = []

    def ring(self, ring: Ring, times: int = 1) -> None:
        self.heard += [ring] * times

    def take(self) -> Counter[tuple[str, str | None]]:
        """The rings since the last time: how many for each task and queue."""
        heard, self.heard = self.heard, []
        return Counter((ring.task, ring.queue) for ring in heard)
