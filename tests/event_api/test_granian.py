"""The whole door under its real server: posts from many clients, and a stop in the middle of them."""

import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest

from apps.event_stream.models import Event
from tests.event_api.stream import stored_names
from tests.served import Served, serving


@pytest.fixture
def served(dev: object) -> Iterator[Served]:
    with serving() as server:
        yield server


def send(client: http.client.HTTPConnection, body: bytes, path: str = "/e/key") -> tuple[int, dict[str, object]]:
    client.request("POST", path, body)
    response = client.getresponse()
    return response.status, json.loads(response.read())


def test_events_go_in_over_http_and_other_paths_go_to_django(served: Served) -> None:
    with served.client() as client:
        status, answer = send(client, b'{"name":"one"}', "/e/any%20k%C3%A9y")
        assert status == 200
        assert answer["ids"] == [Event.objects.get().internal_id]
        assert send(client, b'{"name":""}') == (400, {"error": '"name" is empty', "status": 400})
        large = b'[{"name":"large","data":{"x":"%b"}}]' % (b"x" * 400_000)
        assert send(client, large)[0] == 200
        client.request("POST", "/e/key", iter([b'{"name":', b'"in pieces"}']), encode_chunked=True)
        response = client.getresponse()
        assert (response.status, response.read()[:6]) == (200, b'{"ids"')
        client.request("GET", "/v1/events/unknown")
        assert client.getresponse().status == 404
    assert stored_names() == ["one", "large", "in pieces"]


@pytest.mark.parametrize("path", ["/e/key", "/fn/register"])
def test_a_request_that_is_too_large_is_answered_and_the_server_goes_on(served: Served, path: str) -> None:
    with served.client() as client:
        client.putrequest("POST", path)
        client.putheader("Content-Length", str(1 << 40))
        client.endheaders()
        response = client.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["status"] == 413
    with served.client() as client:
        assert send(client, b'{"name":"next"}')[0] == 200


def test_what_was_answered_before_and_during_a_stop_is_stored(served: Served) -> None:
    accepted: list[str] = []

    def post_until_it_stops(number: int) -> None:
        with served.client() as client:
            try:
                for turn in range(100_000):
                    name = f"{number}-{turn}"
                    if send(client, b'{"name":"%b"}' % name.encode())[0] == 200:
                        accepted.append(name)
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=post_until_it_stops, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    served.stop()
    for thread in threads:
        thread.join()
    assert len(accepted) > 8
    assert set(accepted) <= set(stored_names())
