"""The waits of a run, and those that an event ended."""

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.core_api import waits
from apps.datastore.definition.types import Async, CancelOn, Edge
from apps.datastore.models import Environment
from apps.state.models import Run, Wait
from tests.clock import Clock
from tests.core_api.living import consume, read, send, the_run, work
from tests.core_api.rows import StoredRun, add_event, add_wait, pages
from tests.functions import ScriptedDriver, deploy_steps

CONFIRMED = Async("user/confirmed", ttl=3_600, match="async.data.id == event.data.id")
STOP = CancelOn("test/stop", "async.data.id == event.data.id", timeout=86_400)


@pytest.fixture
def onboarding(driver: ScriptedDriver, clock: Clock) -> None:
    """Its run for id 7 waits to be confirmed, and may be stopped."""
    deploy_steps(
        {
            "welcome": [Edge("$trigger")],
            "thank": [Edge("welcome", listen=CONFIRMED)],
            "nag": [Edge("welcome", listen=CONFIRMED, on_timeout=True)],
        },
        cancel=(STOP,),
    )
    send(id=7)
    work()


@pytest.mark.usefixtures("onboarding")
def test_a_run_tells_what_it_waits_for(client: APIClient, clock: Clock) -> None:
    wait, cancel = sorted(the_run(client)["waits"], key=lambda one: str(one["kind"]), reverse=True)
    times = {name: wait.pop(name) for name in ("opened_at", "expires_at")}
    assert times["opened_at"] < times["expires_at"]
    assert wait == {
        "kind": "step",
        "after": ["welcome"],
        "step_id": None,
        "step_name": None,
        "event": "user/confirmed",
        "signal": None,
        "match": "async.data.id == event.data.id",
        "status": "Open",
        "ended_at": None,
        "event_id": None,
    }
    assert (cancel["kind"], cancel["after"], cancel["event"]) == ("cancel", ["$trigger"], "test/stop")


@pytest.mark.usefixtures("onboarding")
def test_a_wait_tells_which_event_ended_it(client: APIClient) -> None:
    event = send("user/confirmed", id=7)
    work()
    ended = {wait["kind"]: wait for wait in the_run(client)["waits"]}
    assert (ended["step"]["status"], ended["step"]["event_id"]) == ("Arrived", event.internal_id)
    assert ended["step"]["ended_at"] is not None
    assert (ended["cancel"]["status"], ended["cancel"]["event_id"]) == ("Cancelled", None)


@pytest.mark.usefixtures("onboarding")
def test_a_wait_tells_that_its_time_was_over(client: APIClient, clock: Clock) -> None:
    clock.move(hours=2)
    work()
    assert {wait["kind"]: wait["status"] for wait in the_run(client)["waits"]} == {
        "step": "TimedOut",
        "cancel": "Cancelled",
    }


def test_the_open_waits_come_first_and_then_the_newest(
    client: APIClient, completed_run: StoredRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [add_wait(completed_run, status) for status in ("open", "cancelled", "open", "cancelled", "cancelled")]
    for number, wait in enumerate(made):
        Wait.objects.filter(pk=wait.pk).update(event_name=f"e{number}")
    told = read(client, f"/v1/runs/{completed_run.id}")["waits"]
    assert [wait["event"] for wait in told] == ["e2", "e0", "e4", "e3", "e1"]
    assert told[0]["after"] == ["a", "b"]


def test_a_run_tells_a_hundred_waits_at_most(client: APIClient, completed_run: StoredRun) -> None:
    for _ in range(waits.WAITS_MOST + 5):
        add_wait(completed_run)
    assert len(read(client, f"/v1/runs/{completed_run.id}")["waits"]) == 100


@pytest.mark.usefixtures("onboarding")
def test_an_event_tells_which_runs_it_resumed(client: APIClient) -> None:
    event = send("user/confirmed", id=7)
    work()
    (told,) = read(client, f"/v1/events/{event.internal_id}/waits")
    run = Run.objects.get()
    assert (told["run_id"], told["function_id"], told["kind"]) == (run.pk, "fn", "step")
    assert (told["status"], told["event_id"]) == ("Arrived", event.internal_id)
    assert {**told, "run_id": None, "function_id": None} == {
        **next(wait for wait in the_run(client)["waits"] if wait["kind"] == "step"),
        "run_id": None,
        "function_id": None,
    }


@pytest.mark.usefixtures("onboarding")
def test_an_event_tells_which_runs_it_cancelled(client: APIClient) -> None:
    event = send("test/stop", id=7)
    other = send("test/stop", id=8)
    consume()
    (told,) = read(client, f"/v1/events/{event.internal_id}/waits")
    assert (told["run_id"], told["kind"], told["status"]) == (Run.objects.get().pk, "cancel", "Arrived")
    assert the_run(client)["status"] == "Cancelled"
    assert read(client, f"/v1/events/{other.internal_id}/waits") == []


def test_a_wide_events_waits_are_told_page_by_page(
    client: APIClient, dev: Environment, completed_run: StoredRun, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event, other = add_event(dev), add_event(dev)
    for _ in range(7):
        add_wait(completed_run, "arrived", event_seq=event.seq)
        add_wait(completed_run, "arrived", event_seq=other.seq)
    path = f"/v1/events/{event.internal_id}/waits"
    assert [len(page) for page in pages(client, path, limit=3)] == [3, 3, 1]
    assert {wait["event_id"] for page in pages(client, path, limit=3) for wait in page} == {event.internal_id}
    for limit in (1, 7):
        with django_assert_num_queries(4):  # environment, event, page, waits
            assert len(read(client, path, limit=limit)) == limit


def test_a_cursor_of_another_list_of_the_event_is_refused(
    client: APIClient, dev: Environment, completed_run: StoredRun
) -> None:
    event = completed_run.event
    for _ in range(2):
        add_wait(completed_run, "arrived", event_seq=event.seq)
    path = f"/v1/events/{event.internal_id}"
    cursor = client.get(f"{path}/waits", {"limit": 1}).json()["page"]["next_cursor"]
    assert client.get(f"{path}/waits", {"cursor": cursor}).status_code == 200
    assert client.get(f"{path}/starts", {"cursor": cursor}).status_code == 400


def test_a_wait_outlives_its_event(client: APIClient, dev: Environment, completed_run: StoredRun) -> None:
    event = add_event(dev)
    add_wait(completed_run, "arrived", event_seq=event.seq)
    event.delete()
    (wait,) = read(client, f"/v1/runs/{completed_run.id}")["waits"]
    assert (wait["status"], wait["event_id"]) == ("Arrived", None)
