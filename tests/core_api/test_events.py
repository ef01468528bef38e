"""`/v1/events`: what was received, as it was received."""

from datetime import datetime

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.core_api import events
from apps.datastore.models import Environment
from apps.event_stream.ids import new_ulid
from tests.core_api.rows import StoredRun, add_event, add_run, later, pages, version_of
from tests.core_api.test_runs import ODD


def names(client: APIClient, **parameters: object) -> list[str]:
    return [event["name"] for page in pages(client, "/v1/events", **parameters) for event in page]


def at(moment: datetime) -> str:
    return moment.isoformat()


def test_an_event_is_the_senders_object_and_what_we_know_of_it(client: APIClient, dev: Environment) -> None:
    event = add_event(dev, '{"name":"user/signed.up","data":{"id":1},"user":{},"id":"mine","ts":5,"v":"1"}')
    expected = {
        "name": "user/signed.up",
        "data": {"id": 1},
        "user": {},
        "id": "mine",
        "ts": 5,
        "v": "1",
        "internal_id": event.internal_id,
        "received_at": "2026-01-31T12:00:00Z",
        "environment_id": "00000000-0000-4000-b000-000000000000",
        "duplicate": False,
    }
    assert client.get("/v1/events").json()["data"] == [expected]
    answer = client.get(f"/v1/events/{event.internal_id}").json()
    assert answer["data"] == expected
    assert set(answer["metadata"]) == {"fetched_at", "cached_until"}


def test_payloads_are_given_byte_for_byte(client: APIClient, dev: Environment) -> None:
    event = add_event(dev, '{"name": "odd", "data": ' + ODD + "}\n")
    for path in ("/v1/events", f"/v1/events/{event.internal_id}"):
        assert b'{"name": "odd", "data": ' + ODD.encode() + b',"internal_id"' in client.get(path).content


def test_a_sender_cannot_speak_for_the_server(client: APIClient, dev: Environment) -> None:
    event = add_event(dev, '{"name":"n","internal_id":"forged","received_at":"forged"}')
    assert client.get(f"/v1/events/{event.internal_id}").json()["data"]["internal_id"] == event.internal_id
    add_event(dev, "{}")
    assert client.get("/v1/events").json()["data"][0]["duplicate"] is False


def test_an_event_sent_twice_is_listed_twice_under_one_id(client: APIClient, dev: Environment) -> None:
    first = add_event(dev)
    add_event(dev, internal_id=first.internal_id, duplicate=True)
    listed = client.get("/v1/events").json()["data"]
    assert [event["duplicate"] for event in listed] == [True, False]
    assert {event["internal_id"] for event in listed} == {first.internal_id}
    assert client.get(f"/v1/events/{first.internal_id}").json()["data"]["duplicate"] is False


def test_events_are_found_by_name(client: APIClient, dev: Environment, other_environment: Environment) -> None:
    for environment in (dev, other_environment):
        for name in ("a", "b", "a"):
            add_event(environment, f'{{"name":"{name}"}}', name=name)
    assert names(client, name="a", limit=1) == ["a", "a"]
    assert names(client, name="none") == []
    assert names(client, name="") == ["a", "b", "a"]


@pytest.mark.parametrize("name", [None, "one"])
def test_events_are_found_by_the_time_they_were_received(client: APIClient, dev: Environment, name: str | None) -> None:
    # Far apart, and with a neighbour that committed in another order than it was received.
    moments = [later(hours * 3600) for hours in range(10)]
    moments[4], moments[5] = later(4 * 3600 + 1), later(4 * 3600)
    for moment in moments:
        add_event(dev, f'{{"name":"{at(moment)}"}}', name="one", received_at=moment)

    def received(**parameters: str) -> list[str]:
        return names(client, **parameters, **({"name": name} if name else {}))

    assert received(received_after=at(moments[7])) == [at(moments[number]) for number in (9, 8, 7)]
    assert received(received_before=at(moments[2])) == [at(moments[number]) for number in (1, 0)]
    between = received(received_after=at(later(4 * 3600)), received_before=at(later(5 * 3600)))
    assert between == [at(moments[5]), at(moments[4])]
    assert received(received_after=at(later(10**6))) == []
    assert received(received_before=at(later(-1))) == []
    assert len(received(received_before=at(later(10**6)), received_after=at(later(-1)))) == 10


def test_times_at_the_ends_of_the_calendar_are_times(client: APIClient, dev: Environment) -> None:
    add_event(dev)
    for early in ("0001-01-01", "0001-01-01T00:00:00+14:00"):
        for late in ("9999-12-31", "9999-12-31T23:59:59-14:00"):
            assert len(names(client, received_after=early, received_before=late)) == 1


def test_a_page_of_large_events_ends_early_and_goes_on(
    client: APIClient, dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_BYTES", 100)
    for number in range(5):
        add_event(dev, f'{{"name":"{number}","data":{{"x":"{"x" * 60}"}}}}')
    found = pages(client, "/v1/events")
    assert [[event["name"] for event in page] for page in found] == [["4", "3"], ["2", "1"], ["0"]]


@pytest.mark.usefixtures("short_scan")
def test_another_environments_flood_costs_a_page_no_more_than_its_scan(
    client: APIClient, dev: Environment, other_environment: Environment
) -> None:
    add_event(dev)
    for _ in range(12):
        add_event(other_environment)
    assert [len(page) for page in pages(client, "/v1/events")] == [0, 0, 1]


def test_a_page_costs_as_many_statements_however_long_it_is(
    client: APIClient, dev: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        add_event(dev)
    for limit in (1, 30):
        with django_assert_num_queries(4):  # environment, horizon, page, events
            assert len(client.get("/v1/events", {"limit": limit}).json()["data"]) == limit
        with django_assert_num_queries(6):  # and a bisection for each end
            client.get("/v1/events", {"limit": limit, "received_after": "2020-01-01", "received_before": "2030-01-01"})


def test_the_runs_of_an_event_are_found_by_its_id(client: APIClient, dev: Environment) -> None:
    event, other = add_event(dev), add_event(dev)
    add_event(dev, internal_id=event.internal_id, duplicate=True)
    started = [add_run(version_of(dev, slug=f"fn-{number}"), event).id for number in range(5)]
    add_run(version_of(dev, slug="fn-0"), other)
    path = f"/v1/events/{event.internal_id}/runs"
    assert [run["run_id"] for run in client.get(path).json()["data"]] == started[::-1]
    assert [[run["run_id"] for run in page] for page in pages(client, path, limit=3)] == [
        started[:1:-1],
        started[1::-1],
    ]


def test_an_event_that_started_nothing_has_no_runs(client: APIClient, dev: Environment) -> None:
    answer = client.get(f"/v1/events/{add_event(dev).internal_id}/runs")
    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("path", ["/v1/events/{}", "/v1/events/{}/runs", "/v1/events/{}/starts", "/v1/events/{}/waits"])
def test_an_unknown_event_is_not_found(client: APIClient, completed_run: StoredRun, path: str) -> None:
    event_id = new_ulid()
    answer = client.get(path.format(event_id))
    assert (answer.status_code, answer.json()) == (404, {"error": f"There is no event {event_id}", "status": 404})
