"""`inngest doctor`: looks at everything that a server needs, and says what to do about what is missing."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import typer

from apps.cli.context import AsJson, Env
from apps.cli.doctor.finding import Finding, Group, count, fault, skipped

_OF_SERVER = ("configuration", "database", "broker", "workers", "beat", "keys")


def doctor(env: Env = None, as_json: AsJson = False) -> None:
    """Check a server, its workers and this CLI, and say what to do about each fault.

    On a server (where DATABASE_URL is set), or beside a running dev server, it looks at everything; elsewhere, at the
    API as you see it. The exit code is 1 if something is wrong.
    """
    from apps.cli.doctor.report import print_findings, print_findings_as_json, without_secrets
    from apps.cli.printing import err, out

    given = dict(os.environ)
    with err().status("looking …") if out().is_terminal and not as_json else nullcontext():
        groups = without_secrets(_look(env), {**given, **os.environ})
        groups = without_secrets(groups, given)
    (print_findings_as_json if as_json else print_findings)(groups)
    if count(groups, "fault"):
        raise typer.Exit(1)


def _look(env: str | None) -> list[Group]:
    from apps.cli.doctor.api import check_api
    from apps.cli.doctor.at_once import run_at_once
    from apps.cli.doctor.place import find_place

    place = find_place(os.environ, Path.cwd())
    api = partial(check_api, env, place)
    if place.missing:
        left = Group("server", [skipped("server", place.missing)])
        return [left, *run_at_once({"API": api})]

    from apps.cli.doctor.beat import check_beat
    from apps.cli.doctor.broker import check_broker
    from apps.cli.doctor.configuration import check_configuration, make_readable
    from apps.cli.doctor.database import check_database
    from apps.cli.doctor.drivers import check_drivers
    from apps.cli.doctor.keys import check_keys
    from apps.cli.doctor.workers import check_workers

    configuration = Group("configuration", check_configuration(dict(os.environ)))
    unread = {name for name in ("DATABASE_URL", "BROKER_URL") if not os.environ.get(name)}
    unread |= make_readable(os.environ)
    checks: dict[str, Callable[[], list[Finding]]] = {
        "database": check_database,
        "broker": check_broker,
        "workers": partial(check_workers, place),
        "beat": partial(check_beat, place),
        "keys": check_keys,
        "drivers": check_drivers,
        "API": api,
    }
    failed = _load_django()
    for name in _OF_SERVER[1:]:
        needs = "BROKER_URL" if name == "broker" else "DATABASE_URL"
        if needs in unread:
            checks[name] = partial(_not_without, name, needs)
        elif failed is not None:
            checks[name] = partial(_not_loaded, name, failed)
    return [configuration, *run_at_once(checks)]


def _load_django() -> str | None:
    """Why the server's code cannot be loaded; None if it is."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "inngest_server.settings"
    try:
        django.setup()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _not_without(name: str, setting: str) -> list[Finding]:
    return [skipped(name, f"not known: {setting} is not set, or cannot be read")]


def _not_loaded(name: str, error: str) -> list[Finding]:
    return [fault(name, f"the server's code cannot be loaded: {error}", "is it installed as requirements.txt says?")]
