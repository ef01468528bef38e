"""`/v1/events/<id>/starts`: which functions an event started, and why not the others."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.datastore.definition.types import Edge, EventTrigger, Throttle
from apps.datastore.models import Environment
from apps.event_stream.models import Event
from apps.state.models import Run
from tests.core_api.living import consume, read, send
from tests.core_api.rows import add_event, add_run, pages, refuse, version_of
from tests.functions import ScriptedDriver, deploy_steps

STEPS = {"a": [Edge("$trigger")]}


def starts(client: APIClient, event: Event, **parameters: Any) -> dict[str, Any]:
    told = read(client, f"/v1/events/{event.internal_id}/starts", **parameters)
    return {start.pop("function_id"): start for start in told}


def test_an_event_tells_what_it_started_and_why_not_the_others(client: APIClient, driver: ScriptedDriver) -> None:
    deploy_steps(STEPS, slug="every")
    deploy_steps(STEPS, slug="large", triggers=(EventTrigger("test/event", "event.data.total > 1000"),))
    deploy_steps(STEPS, slug="odd", triggers=(EventTrigger("test/event", "event.data.total + 'x' == 'x'"),))
    deploy_steps(STEPS, slug="keyed", idempotency="event.data.id")
    deploy_steps(STEPS, slug="throttled", throttle=Throttle(1, 60.0))
    first, second = send(id=7, total=5), send(id=7, total=2_000)
    consume()
    told = starts(client, second)
    assert {slug: (start["started"], start["why"]) for slug, start in told.items()} == {
        "every": (True, None),
        "large": (True, None),
        "odd": (False, "expression error"),
        "keyed": (False, "idempotency"),
        "throttled": (False, "throttle"),
    }
    run = Run.objects.get(event_seq=second.seq, function__slug="every")
    assert told["every"] == {"function_version": 1, "started": True, "run_id": run.pk, "why": None, "reason": None}
    assert told["keyed"] == {
        "function_version": 1,
        "started": False,
        "run_id": None,
        "why": "idempotency",
        "reason": f"event {first.internal_id} has started it already for the key '7'",
    }
    assert starts(client, first)["large"]["reason"] == "`event.data.total > 1000` is not true"


def test_an_event_that_is_still_to_be_consumed_has_started_nothing_yet(
    client: APIClient, driver: ScriptedDriver
) -> None:
    deploy_steps(STEPS)
    assert starts(client, send()) == {}


def test_what_was_started_is_not_also_refused(client: APIClient, dev: Environment) -> None:
    event = add_event(dev)
    version = version_of(dev)
    run = add_run(version, event)
    refuse(event, version)
    assert starts(client, event) == {
        "post-signup": {"function_version": 1, "started": True, "run_id": run.id, "why": None, "reason": None}
    }


def test_the_version_told_is_the_one_that_was_live_then(client: APIClient, dev: Environment) -> None:
    first, second = add_event(dev), add_event(dev)
    refuse(first, version_of(dev))
    refuse(second, version_of(dev))
    assert starts(client, first)["post-signup"]["function_version"] == 1
    assert starts(client, second)["post-signup"]["function_version"] == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_hold_every_function_once(
    client: APIClient, dev: Environment, limit: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event, other = add_event(dev), add_event(dev)
    add_event(dev, internal_id=event.internal_id, duplicate=True)
    slugs = [f"fn-{number}" for number in range(7)]
    for number, slug in enumerate(slugs):
        version = version_of(dev, slug=slug)
        refuse(other, version)
        if number % 3:
            add_run(version, event)
        if number % 2 == 0:
            refuse(event, version)
    path = f"/v1/events/{event.internal_id}/starts"
    told = [start["function_id"] for page in pages(client, path, limit=limit) for start in page]
    assert told == [slug for number, slug in enumerate(slugs) if number % 3 or number % 2 == 0]
    with django_assert_num_queries(3):  # environment, event, page
        client.get(path, {"limit": limit})
