"""Functions, events and drivers for the tests of the kernel."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection

from apps.datastore.definition.types import Edge, EventTrigger, FunctionDefinition, Runtime, Step
from apps.datastore.deploying import deploy
from apps.datastore.models import Environment, Function
from apps.event_stream.ids import new_ulid
from drivers.contract import Abort, Call, Outcome


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


def deploy_function(*args: Any, **options: Any) -> Function:
    environment = Environment.objects.get(slug="dev")
    return deploy(environment, define(*args, **options), {}).version.function


def append(name: str = "test/event", payload: str | None = None, count: int = 1) -> list[int]:
    """Put events into the stream as the Event API does; returns their numbers."""
    environment = Environment.objects.get(slug="dev")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH e AS (INSERT INTO event_stream_event"
            " (internal_id, environment_id, name, payload, received_at, duplicate)"
            " SELECT unnest(%s::text[]), %s, %s, %s, now(), false RETURNING seq)"
            " INSERT INTO event_stream_inbox SELECT seq FROM e RETURNING seq",
            ([new_ulid() for _ in range(count)], environment.pk, name, payload or f'{{"name":"{name}","data":{{}}}}'),
        )
        return [row[0] for row in cursor.fetchall()]


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
