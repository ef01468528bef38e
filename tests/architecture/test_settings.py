"""The settings: all in one list, on one page, and wrong ones named at once."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.devserver.management.commands.settings_page import page
from inngest_server.environment import SETTINGS, read_environment

PRODUCTION = {"SECRET_KEY": "s", "DATABASE_URL": "postgresql:///x", "BROKER_URL": "redis://"}


def test_the_page_says_what_the_list_says() -> None:
    written = Path(settings.BASE_DIR, "docs", "settings.md").read_text()
    assert written == page(), "write it anew: manage.py settings_page"


def test_every_setting_is_one_of_djangos_too() -> None:
    read_elsewhere = {"INNGEST_CACHE_DIR"}  # by the drivers, which know no Django
    assert [one.name for one in SETTINGS if not hasattr(settings, one.name)] == sorted(read_elsewhere)


def test_outside_dev_mode_all_that_is_missing_is_named() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read_environment({})
    assert all(name in str(refused.value) for name in PRODUCTION)


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_outside_dev_mode_nothing_starts_without(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        read_environment(PRODUCTION | {name: ""})


def test_in_dev_mode_nothing_is_required() -> None:
    values = read_environment({"INNGEST_DEV": "1"})
    assert values["RETRY_SCALE"] < 1
    assert values["DATABASE_URL"] == ""


def test_what_cannot_be_read_is_named_with_its_value_all_at_once() -> None:
    wrong = {
        "STEP_SLOTS": "many",
        "LEASE_SECONDS": "-1",
        "EVENT_MAX_BYTES": "0",
        "LOG_RUNS": "perhaps",
        "RETRY_SCALE": "nan",
        "DATABASE_URL": "mysql://x",
        "BROKER_URL": "foo",
    }
    with pytest.raises(ImproperlyConfigured) as refused:
        read_environment(PRODUCTION | wrong)
    assert all(f"{name}={value!r}" in str(refused.value) for name, value in wrong.items())


def test_a_lease_that_a_late_heartbeat_would_lose_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="LEASE_SECONDS must be"):
        read_environment(PRODUCTION | {"LEASE_SECONDS": "5", "HEARTBEAT_SECONDS": "3"})


def test_a_setting_that_is_given_holds() -> None:
    assert read_environment(PRODUCTION | {"STEP_SLOTS": "7"})["STEP_SLOTS"] == 7
