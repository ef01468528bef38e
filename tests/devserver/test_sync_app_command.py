"""`manage.py sync_app`: an app that answers in band, signed."""

import json
import time
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command

from apps.datastore.keys import create_environment
from apps.datastore.models import App, Environment
from apps.datastore.signing_keys import create_signing_key
from drivers import signing
from tests.devserver.app_servers import SDK, Answer, Served, nothing, serving
from tests.devserver.registrations import registration

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return create_environment("production")


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(nothing) as served:
        yield served


def in_band(served: Served, key: str, *functions: str) -> None:
    """Has the app answer as an SDK does that has this key."""

    def answer(method: str, path: str) -> Answer:
        document = registration(served.url(), *functions)
        document["app_id"] = document.pop("appName")
        signature = signing.sign(json.dumps(document).encode(), key, int(time.time()))
        return (200, {**SDK, "x-inngest-sync-kind": "in_band", "x-inngest-signature": signature}, document)

    served.answer = answer


def run(environment: str, url: str) -> tuple[int, str]:
    """The command's exit code, and all that it wrote."""
    written = StringIO()
    try:
        call_command("sync_app", environment, url, stdout=written, stderr=written)
    except SystemExit as end:
        return int(str(end.code)), written.getvalue()
    return 0, written.getvalue()


def test_an_app_is_synced_with_the_key_of_its_environment(environment: Environment, served: Served) -> None:
    in_band(served, create_signing_key(environment, "shop"), "order", "refund")
    code, written = run("production", served.url())
    assert code == 0
    assert written.splitlines() == [
        f"synced app shop from {served.url()}: 2 functions",
        "  changed shop-order",
        "  changed shop-refund",
    ]
    assert App.objects.get(environment=environment).slug == "shop"
    assert run("production", served.url()) == (0, f"synced app shop from {served.url()}: nothing has changed\n")


def test_what_the_app_no_longer_has_is_archived(environment: Environment, served: Served) -> None:
    key = create_signing_key(environment, "shop")
    in_band(served, key, "order", "refund")
    run("production", served.url())
    in_band(served, key, "order")
    assert "  archived shop-refund" in run("production", served.url())[1].splitlines()


def test_another_key_changes_nothing_and_is_told_in_a_line(environment: Environment, served: Served) -> None:
    create_signing_key(environment, "shop")
    in_band(served, "signkey-production-" + "ab" * 32)
    code, written = run("production", served.url())
    assert code == 1
    assert written.count("\n") == 1
    assert "signed with another key" in written
    assert not App.objects.exists()


@pytest.mark.parametrize(
    ("environment_slug", "url", "reason"),
    [
        ("nowhere", "http://localhost/", "there is no environment 'nowhere'"),
        ("production", "ftp://x", "is not the URL of an app"),
    ],
)
def test_what_was_asked_wrongly_is_told_in_a_line(
    environment: Environment, environment_slug: str, url: str, reason: str
) -> None:
    create_signing_key(environment, "shop")
    code, written = run(environment_slug, url)
    assert (code, written.count("\n")) == (1, 1)
    assert reason in written


def test_an_environment_without_a_key_is_told_in_a_line(environment: Environment) -> None:
    code, written = run("production", "http://localhost:3000")
    assert (code, written) == (
        1,
        "not synced: the environment 'production' has no signing key; manage.py keys makes one\n",
    )


def test_what_was_found_at_the_url_is_told(environment: Environment, served: Served) -> None:
    create_signing_key(environment, "shop")
    code, written = run("production", served.url())
    assert code == 1
    assert written == f'not synced: no Inngest SDK answers at {served.url()}: 404 Not Found: "not here"\n'


def test_an_app_whose_functions_are_faulty_is_refused_whole(environment: Environment, served: Served) -> None:
    in_band(served, create_signing_key(environment, "shop"), "order", "order")
    code, written = run("production", served.url())
    assert (code, written.count("\n")) == (1, 1)
    assert "$.functions[1].id" in written


def test_the_faults_of_an_app_are_one_printable_line(environment: Environment, served: Served) -> None:
    in_band(served, create_signing_key(environment, "shop"), *["\x1b[2J\x9b\ud800" * 20] * 20)
    code, written = run("production", served.url())
    assert (code, written.count("\n")) == (1, 1)
    assert written.rstrip("\n").isprintable()
    assert len(written) < 600
