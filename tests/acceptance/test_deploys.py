"""Deploys and rollbacks over REST, on real processes under load: no run sees half of one, and all see it at once."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.acceptance.server import Server
from tests.acceptance.whole import wait_settled
from tests.waiting import wait_for

EVENTS_A_SECOND = 200
LOAD_SECONDS = 12.0

_GENERATIONS = (
    "SELECT run.event_seq, array_agg(DISTINCT version.definition::json ->> 'name'),"
    " count(DISTINCT run.function_id)"
    " FROM state_run AS run JOIN datastore_functionversion AS version ON version.id = run.version_id"
    " GROUP BY run.event_seq"
)
_VERSIONS = (
    "SELECT version.number FROM state_run AS run"
    " JOIN event_stream_event AS event ON event.seq = run.event_seq"
    " JOIN datastore_functionversion AS version ON version.id = run.version_id"
    " WHERE event.internal_id = ANY (%s)"
)


def http_step(url: str, **fields: object) -> dict[str, object]:
    return {"runtime": {"type": "http", "url": url}, **fields}


def function(slug: str, event: str, steps: Mapping[str, Mapping[str, object]], name: str) -> dict[str, object]:
    document = {
        "id": slug,
        "name": name,
        "triggers": [{"event": event}],
        "steps": {step: {"id": step, "name": step, **fields} for step, fields in steps.items()},
    }
    return {"definition": document, "files": {}}


def deploy(server: Server, functions: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    status, answer = server.call("POST", "/v1/deploys", {"functions": functions})
    assert status in (200, 201), answer
    data: dict[str, Any] = answer["data"]
    return data


def roll_back(server: Server, slug: str) -> None:
    status, answer = server.call("POST", f"/v1/functions/{slug}/rollback", {})
    assert status < 300, answer


@contextmanager
def steady_load(server: Server, name: str) -> Iterator[list[str]]:
    """Events at a steady pace; their internal ids, as they are accepted."""
    accepted: list[str] = []
    failed: list[BaseException] = []
    stopping = threading.Event()
    batch, began = 10, time.monotonic()

    def send() -> None:
        try:
            while not stopping.is_set():
                accepted.extend(server.send([{"name": name, "data": {}}] * batch))
                ahead = len(accepted) / EVENTS_A_SECOND - (time.monotonic() - began)
                stopping.wait(max(ahead, 0))
        except BaseException as error:  # shown by the test, not lost with its thread
            failed.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield accepted
    finally:
        stopping.set()
        sender.join()
    assert not failed, failed


def test_no_event_starts_half_of_a_deploy_or_of_a_rollback(server: Server) -> None:
    slugs = ("pair-a", "pair-b", "pair-c")

    def generation(number: int) -> list[dict[str, object]]:
        return [function(slug, "pair/event", {"only": http_step(server.app.url)}, f"v{number}") for slug in slugs]

    deploy(server, generation(0))
    server.workers("one")
    with steady_load(server, "pair/event") as accepted:
        until, number = time.monotonic() + LOAD_SECONDS, 0
        while time.monotonic() < until:
            number += 1
            data = deploy(server, generation(number))
            if number % 3 == 0:
                status, answer = server.call("POST", f"/v1/deploys/{data['deploy']['number']}/rollback", {})
                assert status < 300, answer
    wait_settled(server, 120)
    rows = server.rows(_GENERATIONS)
    assert len(accepted) > EVENTS_A_SECOND * LOAD_SECONDS * 0.5
    assert len(rows) == len(accepted)
    assert {(len(names), functions) for _, names, functions in rows} == {(1, 3)}
    # The deploys were among the events, and not before or after them.
    assert number > 5
    assert len({names[0] for _, names, _ in rows}) > number / 2
    deploy(server, [function(slug, "pair/gone", {"only": http_step(server.app.url)}, "gone") for slug in slugs])


def test_a_sleeping_run_ends_on_its_version_after_three_deploys_and_a_rollback(server: Server) -> None:
    def sleeper(number: int) -> dict[str, object]:
        own = {"path": "file://./last", "runtime": {"type": "typescript"}}
        steps: dict[str, dict[str, object]] = {
            "first": http_step(server.app.url),
            # The last version has a step less: an old run must still know it.
            f"last-{number}": {**own, "after": [{"step": "first", "wait": "8s"}]},
        }
        code = f"export const run = () => ({{ version: {number} }});"
        return {**function("sleeper", "sleeper/event", steps, "sleeper"), "files": {"last/index.ts": code}}

    deploy(server, [sleeper(1)])
    first = server.own.worker("one")
    (event,) = server.send([{"name": "sleeper/event", "data": {}}])
    sleeping = "SELECT count(*) FROM state_step WHERE step_id = 'first' AND status = 'completed'"
    wait_for(lambda: server.number(sleeping) == 1, "the run sleeps")
    for number in (2, 3, 4):
        assert deploy(server, [sleeper(number)])["functions"][0]["version"] == number
    roll_back(server, "sleeper")
    # What wakes it has never seen its version, and gets the code by its hash.
    first.kill()
    server.own.worker("cpu", "steps.cpu,steps", settings={"INNGEST_CACHE_DIR": str(server.folder / "cache")})
    (later,) = server.send([{"name": "sleeper/event", "data": {}}])

    def output(event_id: str) -> object:
        runs = server.call("GET", f"/v1/events/{event_id}/runs")[1]["data"]
        return [(run["function_version"], run["status"], run["output"]) for run in runs]

    for event_id, version in ((event, 1), (later, 3)):
        expected = [(version, "Completed", {"version": version})]
        wait_for(lambda: output(event_id) == expected, f"the run of version {version} ends: {output(event_id)}", 90)  # noqa: B023


def test_a_rollback_takes_effect_at_once_on_every_worker(server: Server) -> None:
    def versioned(number: int) -> dict[str, object]:
        return function("turning", "turning/event", {"only": http_step(server.app.url)}, f"v{number}")

    for name in ("events-2", "events-3"):
        server.own.worker(name, "events", threads=2)
    deploy(server, [versioned(1)])
    with steady_load(server, "turning/event"):
        for _ in range(15):
            deploy(server, [versioned(2)])
            assert versions_started(server, "turning/event") == {2}
            roll_back(server, "turning")
            # From the moment of the answer on; a second is promised.
            assert versions_started(server, "turning/event") == {1}


def versions_started(server: Server, name: str) -> set[int]:
    """The versions of the runs that some events of now start."""
    events = server.send([{"name": name, "data": {}}] * 8)
    started = wait_for(lambda: len(rows := server.rows(_VERSIONS, events)) == 8 and rows, "the events are consumed")
    return {number for (number,) in started or ()}
