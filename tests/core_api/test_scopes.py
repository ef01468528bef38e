"""Who may do what: every route and method there is, for everyone who may come with a key or without one."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.datastore.keys import create_api_token, create_event_key, revoke
from apps.datastore.models import ApiToken, App, Environment, EventKey, Scope, SigningKey
from apps.datastore.signing_keys import create_signing_key
from tests.core_api.holders import app_of, holder, showing
from tests.core_api.rows import StoredRun, add_event, add_run, add_step
from tests.functions import define, deploy

PUBLIC = {"", "dev", "v1/openapi.json", "api/docs", "api/docs/<str:name>"}
"""Routes that ask for no key: what the server is and can."""
FOR_APPS = {"fn/register"}
"""Routes that want a signing key, and no API token of whatever scope."""
FOR_ADMINS = ("v1/api-tokens", "v1/environments", "v1/event-keys", "v1/signing-keys")
FOR_DEPLOYERS = ("v1/images", "v1/secrets")
"""Routes of which the names alone tell too much for who only reads."""
SAFE = ("get", "head", "options")
FILE = "index.ts"


class Route(NamedTuple):
    path: str
    """As it is written in the URL configuration."""
    methods: tuple[str, ...]

    def needs(self, method: str) -> Scope:
        if self.path.startswith(FOR_ADMINS):
            return Scope.ADMIN
        if self.path.startswith(FOR_DEPLOYERS):
            return Scope.DEPLOY
        return Scope.READ if method in SAFE else Scope.DEPLOY


def _walk(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[Route]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
            continue
        view = getattr(pattern.callback, "view_class", None)
        there = (
            ("get", "head") if view is None else tuple(name for name in view.http_method_names if hasattr(view, name))
        )
        yield Route(path, (*there, "head") if "get" in there and "head" not in there else there)


ROUTES = list(_walk(get_resolver().url_patterns))
GUARDED = [route for route in ROUTES if route.path not in PUBLIC | FOR_APPS]


def _named(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=[route.path or "/" for route in routes])


@pytest.fixture
def stored(dev: Environment) -> StoredRun:
    """A run of a deployed function with a file."""
    version = deploy(dev, define({"step-1": ()}, slug="fn"), {FILE: b"1"}).version
    run = add_run(version, add_event(dev))
    add_step(run, "step-1")
    return run


@pytest.fixture
def things(dev: Environment, stored: StoredRun) -> dict[str, object]:
    """What of `dev` stands for the parameters of routes; those of keys are by their route."""
    create_event_key(dev, "one")
    create_api_token(dev, "one")
    create_signing_key(dev, "one")
    App.objects.create(environment=dev, slug="app", url="http://127.0.0.1:9/")
    return {
        "run_id": stored.id,
        "event_id": stored.event.internal_id,
        "step_id": "step-1",
        "app_id": "app",
        "function_id": "fn",
        "name": "dev",
        "number": 1,
        "version": 1,
        "path": FILE,
        "v1/event-keys/<int:key_id>": EventKey.objects.get().pk,
        "v1/api-tokens/<int:key_id>": ApiToken.objects.get().pk,
        "v1/signing-keys/<int:key_id>": SigningKey.objects.get().pk,
    }


class Door(NamedTuple):
    """A route with its parameters filled in."""

    route: Route
    path: str

    def try_with(self, client: APIClient, method: str) -> Any:
        """The answer. Whatever it changed is taken back."""
        client.raise_request_exception = False
        body: dict[str, Any] = {} if method in SAFE else {"data": {"name": "website"}, "format": "json"}
        with transaction.atomic():
            answer = getattr(client, method)(self.path, **body)
            transaction.set_rollback(True)
        assert answer.status_code < 500, (method, self.path, answer.content)
        return answer


@pytest.fixture
def door(route: Route, things: dict[str, object]) -> Door:
    def thing(found: re.Match[str]) -> str:
        return str(things.get(route.path) or things[found[1]])

    return Door(route, "/" + re.sub(r"<\w+:(\w+)>", thing, route.path))


@pytest.fixture
def in_production(settings: Settings) -> None:
    settings.INNGEST_DEV = False
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def nobodies(dev: Environment) -> list[APIClient]:
    """Without a key, and with what is none (any more)."""
    revoked = create_api_token(dev, "revoked", Scope.ADMIN)
    revoke(ApiToken, revoked)
    return [
        APIClient(),
        showing("wrong"),
        showing("0" * 64),
        showing(revoked),
        showing(create_event_key(dev, "events")),
    ]


@_named(GUARDED)
@pytest.mark.usefixtures("in_production")
def test_nobody_passes_without_a_live_key(door: Door, nobodies: list[APIClient]) -> None:
    for method in (*door.route.methods, "put", "patch"):
        for client in nobodies:
            answer = door.try_with(client, method)
            assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), (method, client)


@_named(GUARDED)
@pytest.mark.usefixtures("in_production")
def test_a_key_passes_where_its_scope_is_enough(door: Door, dev: Environment) -> None:
    holders = [(holder(dev, scope), scope, "this one") for scope in Scope]
    holders.append((app_of(dev), Scope.DEPLOY, "a signing key"))
    ranks = list(Scope)
    for method in door.route.methods:
        needed = door.route.needs(method)
        for client, scope, who in holders:
            answer = door.try_with(client, method)
            if ranks.index(scope) >= ranks.index(needed):
                assert answer.status_code not in (401, 403), (method, scope, answer.content)
                continue
            assert answer.status_code == 403, (method, scope, answer.content)
            if method != "head":
                words = f"This needs an API token of scope {needed}; {who} has {scope}"
                assert answer.json() == {"error": words, "status": 403}


@_named([route for route in GUARDED if "<" in route.path])
@pytest.mark.usefixtures("in_production")
def test_another_environments_key_finds_nothing_there(
    door: Door, dev: Environment, other_environment: Environment
) -> None:
    ours, stranger = holder(dev, Scope.ADMIN), holder(other_environment, Scope.ADMIN)
    for method in door.route.methods:
        if method == "options":
            continue
        answer = door.try_with(stranger, method)
        if method in SAFE:
            assert (answer.status_code, door.try_with(ours, method).status_code) == (404, 200), method
        else:
            assert 400 <= answer.status_code < 500, (method, answer.content)
            assert answer.status_code not in (401, 403), (method, answer.content)


@_named(GUARDED)
@pytest.mark.usefixtures("in_production")
def test_a_method_that_is_not_there_is_a_405_whatever_the_scope(door: Door, dev: Environment) -> None:
    scope = door.route.needs("get")
    for method in {"get", "post", "put", "patch", "delete"} - {*door.route.methods}:
        assert door.try_with(holder(dev, scope), method).status_code == 405


@_named([route for route in ROUTES if route.path in FOR_APPS])
@pytest.mark.usefixtures("in_production")
def test_apps_show_a_signing_key_and_nothing_else(door: Door, dev: Environment, nobodies: list[APIClient]) -> None:
    for client in [*nobodies, *(holder(dev, scope) for scope in Scope)]:
        assert door.try_with(client, "post").status_code == 401
    assert door.try_with(app_of(dev), "post").status_code == 400  # as the body is no registration


@_named([route for route in ROUTES if route.path in PUBLIC])
@pytest.mark.usefixtures("in_production")
def test_what_is_public_asks_for_nothing(door: Door, nobodies: list[APIClient]) -> None:
    for method in door.route.methods:
        for client in nobodies:
            assert door.try_with(client, method).status_code in (200, 404), method


@_named(ROUTES)
def test_dev_mode_asks_for_nothing(door: Door, client: APIClient) -> None:
    for method in door.route.methods:
        assert door.try_with(client, method).status_code not in (401, 403), method


def test_what_is_public_is_there() -> None:
    assert {route.path for route in ROUTES} >= PUBLIC | FOR_APPS
