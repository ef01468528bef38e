"""Event keys: which environment they open, and how soon a change is known."""

import asyncio
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from pytest_django import Settings

from apps.datastore.environments import environment_for_sync
from apps.datastore.keys import create_event_key, digest_of, revoke
from apps.datastore.models import ApiToken, Environment, EventKey, Key, Scope, SigningKey
from apps.event_api.app import EventApi
from apps.event_stream.models import Event
from tests.event_api.calling import Response, post, running_api

pytestmark = pytest.mark.usefixtures("dev")

in_production = override_settings(INNGEST_DEV=False)


def manage(*arguments: str) -> str:
    out = StringIO()
    call_command("keys", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


async def status_becomes(api: EventApi, key: str, status: int) -> None:
    async with asyncio.timeout(3):
        while (await post(api, {"name": "a"}, key)).status != status:
            await asyncio.sleep(0.05)


@in_production
def test_a_key_opens_its_own_environment_and_no_other_key_opens_any() -> None:
    other = Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="other")
    key = create_event_key(other, "website")

    async def scenario() -> None:
        async with running_api() as api:
            assert (await post(api, {"name": "a"}, key)).status == 200
            for wrong in ("wrong", key.upper(), key + "x", ""):
                answer = await post(api, {"name": "b"}, wrong)
                assert answer.status == 401
            assert (await post(api, {"name": "b"}, "wrong")).json == {"error": "Event key not found", "status": 401}

    asyncio.run(scenario())
    event = Event.objects.get()
    assert (event.name, event.environment_id) == ("a", other.pk)


@in_production
def test_a_new_key_and_a_revoked_key_are_known_within_seconds_without_a_restart(dev: Environment) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            key = await asyncio.to_thread(create_event_key, dev, "late")
            await status_becomes(api, key, 200)
            assert await asyncio.to_thread(revoke, EventKey, key) == 1
            await status_becomes(api, key, 401)

    asyncio.run(scenario())


@in_production
def test_while_the_database_is_away_the_last_known_keys_go_on(
    dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_event_key(dev, "website")

    async def refuse() -> None:
        raise OSError("no route to host")

    async def scenario() -> None:
        async with running_api() as api:
            monkeypatch.setattr(api.keyring, "_read", refuse)
            await asyncio.sleep(1.2)
            assert (await post(api, {"name": "a"}, key)).status == 200
            assert (await post(api, {"name": "a"}, "wrong")).status == 401

    asyncio.run(scenario())


def test_in_dev_mode_any_key_opens_the_environment_dev() -> None:
    async def scenario() -> None:
        async with running_api() as api:
            assert (await post(api, {"name": "a"}, "whatever")).status == 200
            assert (await post(api, {"name": "a"}, "")).status == 401

    asyncio.run(scenario())
    assert Event.objects.get().environment_id == Environment.objects.get(slug="dev").pk


@in_production
def test_with_a_key_of_branch_environments_the_header_says_which(dev: Environment) -> None:
    branch = Environment.objects.create(public_id="22222222-1111-4111-b111-111111111111", slug="branch")
    key, ordinary = create_event_key(branch, "website"), create_event_key(dev, "website")

    async def answered(api: EventApi, key: str, name: str | None) -> Response:
        return await post(api, {"name": "a"}, key, [] if name is None else [(b"x-inngest-env", name.encode())])

    async def scenario() -> Environment:
        async with running_api() as api:
            for name in (None, "", "x" * 201):
                refused = await answered(api, key, name)
                assert (refused.status, "x-inngest-env" in refused.error) == (400, True)
            refused = await answered(api, key, "fix/cart")
            assert (refused.status, "must be synced to it first" in refused.error) == (400, True)
            child = await asyncio.to_thread(environment_for_sync, branch, "fix/cart")
            async with asyncio.timeout(3):
                while (await answered(api, key, "fix/cart")).status != 200:
                    await asyncio.sleep(0.05)
            # Unasked, the SDKs send the name of the git branch with any key.
            for name in ("main", "fix/cart", ""):
                assert (await answered(api, ordinary, name)).status == 200
            return child

    child = asyncio.run(scenario())
    assert Counter(Event.objects.values_list("environment_id", flat=True)) == {child.pk: 1, dev.pk: 3}


def test_in_dev_mode_a_branchs_name_does_not_matter(dev: Environment) -> None:
    async def scenario() -> None:
        async with running_api() as api:
            assert (await post(api, {"name": "a"}, "any", [(b"x-inngest-env", b"main")])).status == 200

    asyncio.run(scenario())
    assert Event.objects.get().environment_id == dev.pk


def test_a_key_is_shown_once_and_kept_as_a_hash() -> None:
    manage("create-environment", "shop")
    key = manage("create-event-key", "shop", "website")
    row = EventKey.objects.get()
    assert (row.digest, row.hint, row.name) == (digest_of(key), key[:8], "website")
    assert key not in manage("list")
    assert "live" in manage("list")
    assert len(key) > 30


def test_keys_are_revoked_by_their_text_or_their_number() -> None:
    first, second = manage("create-event-key", "dev", "one"), manage("create-event-key", "dev", "two")
    manage("revoke-event-key", first)
    manage("revoke-event-key", str(EventKey.objects.get(digest=digest_of(second)).pk))
    assert EventKey.objects.filter(revoked_at=None).count() == 0
    with pytest.raises(CommandError, match="No live key"):
        manage("revoke-event-key", first)


@pytest.mark.parametrize("word", ["event-key", "api-token", "signing-key"])
def test_a_number_is_written_in_plain_digits(word: str) -> None:
    manage(f"create-{word}", "dev", "one")
    kinds: dict[str, type[Key]] = {"event-key": EventKey, "api-token": ApiToken, "signing-key": SigningKey}
    kind = kinds[word]
    arabic = str(kind._default_manager.get().pk).translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    for which in (arabic, "9" * 30, "9" * 5_000):
        with pytest.raises(CommandError, match="No live key"):
            manage(f"revoke-{word}", which)
    assert kind._default_manager.filter(revoked_at=None).count() == 1


def test_an_api_token_opens_no_event_api() -> None:
    token = manage("create-api-token", "dev", "ci")
    assert ApiToken.objects.get().digest == digest_of(token)
    assert not EventKey.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create-event-key", "nowhere", "x"), "no environment 'nowhere'"),
        (("create-environment", "dev"), "already"),
        (("create-environment", "not a slug"), "letters, digits, `-` and `_`"),
        (("create-environment", "x" * 101), "at most 100 characters"),
        (("create-event-key", "dev", "x" * 101), "1 to 100 printable characters"),
        (("create-api-token", "dev", "\x1b[2J"), "1 to 100 printable characters"),
        (("create-signing-key", "dev", " "), "1 to 100 printable characters"),
        (("create-api-token", "dev", "ci", "--scope", "root"), "invalid choice: 'root'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        manage(*arguments)


def test_a_token_only_reads_unless_it_is_made_for_more() -> None:
    manage("create-api-token", "dev", "one")
    for scope in Scope.values:
        manage("create-api-token", "dev", scope, "--scope", scope)
    assert list(ApiToken.objects.order_by("pk").values_list("scope", flat=True)) == ["read", *Scope.values]


def test_the_list_shows_the_scope_of_each_token() -> None:
    token = manage("create-api-token", "dev", "ci", "--scope", "deploy")
    assert "live  deploy  ci" in manage("list")
    manage("revoke-api-token", token)
    assert "deploy  ci" in manage("list")
    assert token not in manage("list")


@pytest.mark.parametrize("word", ["event-key", "api-token", "signing-key"])
def test_an_environment_has_so_many_live_keys_of_a_kind(word: str, settings: Settings) -> None:
    settings.KEYS_MAX = 2
    manage("create-environment", "shop")
    first = manage(f"create-{word}", "shop", "one")
    manage(f"create-{word}", "shop", "two")
    with pytest.raises(CommandError, match="KEYS_MAX"):
        manage(f"create-{word}", "shop", "three")
    manage(f"create-{word}", "dev", "of another environment")
    manage(f"revoke-{word}", first)
    manage(f"create-{word}", "shop", "three")


def test_the_command_makes_the_parent_of_branch_environments_and_no_key_of_a_branch() -> None:
    manage("create-environment", "branch")
    environment_for_sync(Environment.objects.get(slug="branch"), "fix")
    with pytest.raises(CommandError, match="keys of its parent"):
        manage("create-api-token", "branch/fix", "ci")
