"""Rounds over apps that answer as the SDKs do, and register as their registrations would be read."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.db import DataError, OperationalError, connection

from apps.datastore.models import App, Environment
from apps.datastore.registering import register
from apps.datastore.sdk_app import parse_registration
from apps.devserver import syncing as module
from apps.devserver.discovering import Discovery
from apps.devserver.syncing import Syncing
from drivers.sdk_sync import ask_to_sync
from tests.devserver.app_servers import SDK, Answer, Served, introspection, nothing, serving
from tests.devserver.registrations import registration
from tests.functions import dev_environment

pytestmark = pytest.mark.django_db(transaction=True)

SERVER = "http://localhost:8288"
Serve = Callable[..., Served]


@pytest.fixture(autouse=True)
def environment() -> Environment:
    """An earlier test with transactions has emptied every table."""
    return dev_environment()


@pytest.fixture
def app() -> Iterator[Serve]:
    """Starts an app that registers these functions when it is asked to."""
    with ExitStack() as stack:

        def start(*functions: str, slug: str = "shop", port: int = 0) -> Served:
            served = stack.enter_context(serving(nothing, port))
            served.answer = registering(served, *functions, slug=slug)
            return served

        yield start


def registering(served: Served, *functions: str, slug: str = "shop") -> Callable[[str, str], Answer]:
    def answer(method: str, path: str) -> Answer:
        if method == "GET" or path != "/api/inngest":
            return introspection(method, path)
        try:
            document = registration(served.url(), *functions, app=slug)
            modified = register(Environment.objects.get(slug="dev"), parse_registration(document)).modified
        finally:
            connection.close()
        return (200, SDK, {"message": "Successfully registered", "modified": modified})

    return answer


def refusing(reason: str) -> Callable[[str, str], Answer]:
    def answer(method: str, path: str) -> Answer:
        return introspection(method, path) if method == "GET" else (500, SDK, {"message": reason, "modified": False})

    return answer


def test_a_given_app_is_synced_and_told_once(app: Serve) -> None:
    served = app("order", "refund")
    syncing = Syncing(SERVER, [served.url()], None)
    assert syncing.waits()
    assert syncing.round() == [f"synced app shop from {served.url()}: 2 functions"]
    assert not syncing.waits()
    assert syncing.round() == []
    assert served.asked == ["GET /api/inngest", "PUT /api/inngest", "PUT /api/inngest"]


def test_a_change_of_an_app_is_told(app: Serve) -> None:
    served = app("order")
    syncing = Syncing(SERVER, [served.url()], None)
    syncing.round()
    served.answer = registering(served, "order", "refund")
    assert syncing.round() == [f"synced app shop from {served.url()}: added shop-refund"]


def test_a_known_app_is_told_when_the_server_starts_again(app: Serve) -> None:
    served = app("order")
    Syncing(SERVER, [served.url()], None).round()
    again = Syncing(SERVER, [], None)
    assert again.round() == [f"synced app shop from {served.url()}: as before"]
    assert again.round() == []


def test_an_app_that_is_not_up_is_told_once_and_synced_when_it_comes(app: Serve) -> None:
    with serving(nothing) as gone:
        port, url = gone.port, gone.url()
    syncing = Syncing(SERVER, [url], None)
    assert syncing.round() == [f"not synced: no answer from {url}: connection refused"]
    assert syncing.round() == []
    app("order", port=port)
    assert syncing.round() == [f"synced app shop from {url}: 1 function"]


def test_an_app_that_goes_is_told_and_its_error_kept() -> None:
    with serving(nothing) as served:
        served.answer = registering(served)
        syncing = Syncing(SERVER, [served.url()], None)
        syncing.round()
    fault = f"no answer from {served.url()}: connection refused"
    assert syncing.round() == [f"gone: {fault}"]
    assert App.objects.get(slug="shop").error == fault


def test_a_failing_sync_is_told_once_and_recovers(app: Serve) -> None:
    served = app("order")
    syncing = Syncing(SERVER, [served.url()], None)
    syncing.round()
    served.answer = refusing("Failed to register; fetch failed")
    fault = (
        f"the app at {served.url()} could not register: Failed to register; fetch failed "
        f"(this server is found with INNGEST_DEV={SERVER})"
    )
    assert syncing.round() == [f"not synced: {fault}"]
    assert syncing.round() == []
    assert App.objects.get(slug="shop").error == fault
    served.answer = registering(served, "order")
    assert syncing.round() == [f"synced app shop from {served.url()}: as before"]
    assert App.objects.get(slug="shop").error == ""


def test_an_app_in_cloud_mode_is_not_asked_to_tell_the_cloud(app: Serve) -> None:
    served = app("order")
    served.answer = lambda method, path: (401, {"x-inngest-sdk-handled": "true"}, {"message": "Unauthorized"})
    [line] = Syncing(SERVER, [served.url()], None).round()
    assert line == f"not synced: the app at {served.url()} is in cloud mode: start it with INNGEST_DEV=1"
    assert served.asked == ["GET /api/inngest"]


def test_an_app_that_registers_elsewhere_is_told_where_we_are(app: Serve) -> None:
    served = app("order")
    served.answer = lambda method, path: (200, SDK, {"mode": "dev", "modified": False})
    [line] = Syncing(SERVER, [served.url()], None).round()
    assert line.startswith(f"not synced: the app at {served.url()} says that it registered, but not here")
    assert SERVER in line


def test_another_app_that_registers_meanwhile_is_not_taken_for_the_one_asked(app: Serve) -> None:
    first, second = app("order"), app("mail", slug="post")
    syncing = Syncing(SERVER, [first.url(), second.url()], None)
    syncing.round()
    first_answer = first.answer

    def both(method: str, path: str) -> Answer:
        second.answer(method, path)
        return first_answer(method, path)

    first.answer = both
    assert syncing.round() == []


def test_two_apps_of_one_id_do_not_take_it_from_each_other(app: Serve) -> None:
    first, second = app("order"), app("order", "refund")
    syncing = Syncing(SERVER, [first.url(), second.url()], None)
    lines = syncing.round()
    assert lines[-1].startswith(f"not synced: {second.url()} serves app shop, which localhost:{first.port}/api/inngest")
    for _ in range(3):
        syncing.round()
    assert second.asked.count("PUT /api/inngest") == 1
    assert App.objects.get(slug="shop").url == first.url()
    first.answer = refusing("gone mad")
    syncing.round()
    assert App.objects.get(slug="shop").url == second.url()


def test_an_app_is_discovered_and_known_from_then_on(app: Serve) -> None:
    served = app("order")
    syncing = Syncing(SERVER, [], Discovery([served.port]))
    assert syncing.round() == [f"synced app shop from {served.url()}: 1 function"]
    assert syncing.round() == []
    assert served.asked.count("GET /api/inngest") == 2  # to discover it, and to see its mode


def test_a_given_app_keeps_its_url_when_it_could_be_discovered(app: Serve) -> None:
    served = app("order")
    given = served.url(host="127.0.0.1")
    syncing = Syncing(SERVER, [given], Discovery([served.port]))
    syncing.round()
    syncing.round()
    assert served.asked == ["GET /api/inngest", "PUT /api/inngest", "PUT /api/inngest"]


def test_our_own_port_is_never_discovered() -> None:
    with serving(introspection) as ourselves:
        assert Syncing(ourselves.url(""), [], Discovery([ourselves.port])).round() == []
    assert ourselves.asked == []


def test_an_app_that_fails_slowly_is_left_alone_for_a_while(app: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLOW_SECONDS", 0.0)
    served = app("order")
    served.answer = refusing("timed out")
    syncing = Syncing(SERVER, [served.url()], None)
    syncing.round()
    syncing.round()
    assert served.asked.count("PUT /api/inngest") == 1


def test_an_apps_words_reach_terminal_and_database_as_one_printable_line(app: Serve) -> None:
    served = app("order")
    syncing = Syncing(SERVER, [served.url()], None)
    syncing.round()
    served.answer = refusing("\x1b[2J\x00\r\ngone: \ud800" + "x" * 100_000)
    [line] = syncing.round()
    error = App.objects.get(slug="shop").error
    assert line == f"not synced: {error}"
    assert error.isprintable()
    assert len(error) <= 500
    assert error.endswith(f"… (this server is found with INNGEST_DEV={SERVER})")


@pytest.mark.parametrize("fault", [RuntimeError("a\x1bb"), DataError("a\x1bb"), OperationalError("a\x1bb")])
def test_a_fault_of_one_app_does_not_keep_the_others_from_being_asked(
    app: Serve, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    first, second = app("order"), app("mail", slug="post")

    def faulty(url: str, timeout: float) -> bool:
        if url == first.url():
            raise fault
        return ask_to_sync(url, timeout=timeout)

    monkeypatch.setattr(module, "ask_to_sync", faulty)
    syncing = Syncing(SERVER, [first.url(), second.url()], None)
    assert syncing.round() == [
        f"not synced: {first.url()}: {type(fault).__name__}: a\ufffdb",
        f"synced app post from {second.url()}: 1 function",
    ]
    assert syncing.round() == []
    assert second.asked.count("PUT /api/inngest") == 2
    monkeypatch.undo()
    assert syncing.round() == [f"synced app shop from {first.url()}: 1 function"]
