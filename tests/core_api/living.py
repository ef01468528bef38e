"""Runs that live: events are sent, and the server's own code does what they set off, at the time that a clock says."""

import json
from typing import Any

from rest_framework.test import APIClient

from apps.event_stream.models import Event
from apps.executor.drain import Drain
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.state.models import Run
from apps.state.scheduling import promote_due
from tests.functions import append
from tests.state.items import QUEUE


def send(name: str = "test/event", **data: Any) -> Event:
    """An event, accepted but not consumed."""
    (seq,) = append(name, json.dumps({"name": name, "data": data}))
    return Event.objects.get(seq=seq)


def consume() -> None:
    """All that events and times set off, but for the steps."""
    consume_events()
    probe_waits()
    expire_waits()
    promote_due()


def work() -> None:
    """All that is to be done at this moment."""
    drain = Drain(QUEUE)
    while True:
        done = consume_events()
        probe_waits()
        expire_waits()
        done += promote_due().total()
        drain.run()
        if not done:
            return


def read(client: APIClient, path: str, **parameters: Any) -> Any:
    """An answer's data."""
    answer = client.get(path, parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def the_run(client: APIClient) -> Any:
    """The only run there is."""
    return read(client, f"/v1/runs/{Run.objects.get().pk}")


def steps_of(run: Any) -> dict[str, Any]:
    return {step["id"]: step for step in run["steps"]}


def step_statuses(client: APIClient) -> dict[str, str]:
    """Those of the only run, in the order in which they are told."""
    return {step["id"]: step["status"] for step in the_run(client)["steps"]}
