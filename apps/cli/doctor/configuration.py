"""The settings, as the server would read them, and the machine that it would run on."""

import os
import sys
import tempfile
from collections.abc import Mapping, MutableMapping
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from apps.cli.doctor.finding import Finding, fault, ok, warning

_LEAST_PYTHON = (3, 11)
_LEAST_KEY = 32
_LEAST_DIFFERENT = 8
_DEFAULT_KEYS = ("dev-mode-only", "django-insecure", "changeme", "change-me", "secret", "insecure")
_NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(50))"'
_QUOTES_NOTHING = {
    "SECRET_KEY": "cannot be read",
    "SECRET_KEY_FALLBACKS": "cannot be read",
    "DATABASE_URL": "not an address of a PostgreSQL database, such as postgresql://user:password@host/name",
    "BROKER_URL": "not an address such as redis://host:6379/0",
}


def check_configuration(variables: Mapping[str, str]) -> list[Finding]:
    """Of the variables as they were given, before `make_readable`."""
    dev = _is_dev(variables)
    faults = _faults(variables)
    if faults:
        to_do = "docs/settings.md has every setting, with its meaning and default"
        readable = [fault("settings", one, to_do if one == faults[-1] else "") for one in faults]
    else:
        settings = _environment().SETTINGS
        given = sum(bool(variables.get(setting.name)) for setting in settings)
        mode = "dev mode" if dev else "production"
        readable = [ok("settings", f"all can be read; {given} of {len(settings)} are set; {mode}")]
    found = [*readable, *([] if dev else [*_secret_key(variables), *_hosts(variables)])]
    return [*found, *_dev_elsewhere(variables, dev), _cache_folder(variables), _python()]


def make_readable(variables: MutableMapping[str, str]) -> set[str]:
    """Lets go of what cannot be read, so that Django starts and the other checks are made all the same; its names."""
    unread: set[str] = set()
    for setting in _environment().SETTINGS:
        try:
            if setting.name in variables:
                setting.read(variables[setting.name])
        except ValueError:
            del variables[setting.name]
            unread.add(setting.name)
        if setting.required and not variables.get(setting.name) and not _is_dev(variables):
            variables[setting.name] = {"DATABASE_URL": "postgresql://", "BROKER_URL": "redis://"}.get(setting.name, "-")
    if _faults(variables):  # a pair that does not fit together
        for name in ("HEARTBEAT_SECONDS", "LEASE_SECONDS"):
            variables.pop(name, None)
    variables["LOG_LEVEL"] = "CRITICAL"
    return unread


@cache
def _environment() -> ModuleType:
    """`inngest_server.environment` without its package, which reads the settings at once and fails with the first."""
    package = find_spec("inngest_server")
    assert package is not None
    assert package.origin is not None
    spec = spec_from_file_location("inngest_environment", Path(package.origin).with_name("environment.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def _faults(variables: Mapping[str, str]) -> list[str]:
    """Without the values of what may hold secrets: the reader's own sentences quote them."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        _environment().read_environment(variables)
    except ImproperlyConfigured as error:
        said = [line.removeprefix("  - ") for line in str(error).split("\n  - ")[1:]]
        return [_without_value(sentence) for sentence in said]
    return []


def _without_value(sentence: str) -> str:
    name = sentence.partition("=")[0]
    return f"{name}: {_QUOTES_NOTHING[name]}" if name in _QUOTES_NOTHING else " ".join(sentence.split())


def _is_dev(variables: Mapping[str, str]) -> bool:
    return variables.get("INNGEST_DEV", "").lower() in {"1", "true", "yes", "on"}


def _secret_key(variables: Mapping[str, str]) -> list[Finding]:
    key = variables.get("SECRET_KEY", "")
    if not key:
        return []  # said with the settings
    if key.lower().startswith(_DEFAULT_KEYS):
        return [fault("SECRET_KEY", "is a default that everybody knows", _NEW_KEY)]
    if len(key) < _LEAST_KEY or len(set(key)) < _LEAST_DIFFERENT:
        found = f"is easy to guess: {len(key)} characters, {len(set(key))} different ones"
        keep = "put the old one into SECRET_KEY_FALLBACKS, and then\npython manage.py keys reseal"
        return [fault("SECRET_KEY", found, f"{_NEW_KEY}\n{keep}")]
    return [ok("SECRET_KEY", f"{len(key)} characters")]


def _hosts(variables: Mapping[str, str]) -> list[Finding]:
    hosts = [host.strip() for host in variables.get("ALLOWED_HOSTS", "*").split(",") if host.strip()]
    if "*" in hosts:
        name_them = "name them, by comma: ALLOWED_HOSTS=inngest.example.com"
        return [warning("ALLOWED_HOSTS", "the server answers to every host name", name_them)]
    if not hosts:
        return [fault("ALLOWED_HOSTS", "empty: no request is answered", "ALLOWED_HOSTS=inngest.example.com")]
    return [ok("ALLOWED_HOSTS", ", ".join(hosts))]


def _dev_elsewhere(variables: Mapping[str, str], dev: bool) -> list[Finding]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        target = conninfo_to_dict(variables.get("DATABASE_URL", ""))
    except ProgrammingError:
        return []
    host = str(target.get("host") or "localhost")
    if not dev or host.startswith(("/", "@", "127.")) or host in {"localhost", "::1"}:
        return []
    found = f"dev mode asks for no keys and no tokens, and the database is on {host}"
    return [warning("INNGEST_DEV", found, "unset INNGEST_DEV, unless that database is for development alone")]


def _cache_folder(variables: Mapping[str, str]) -> Finding:
    base = variables.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(variables.get("INNGEST_CACHE_DIR") or f"{base}/inngest-server").expanduser()
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return ok("cache folder", str(folder))
    except OSError as error:
        to_do = "let INNGEST_CACHE_DIR name a folder that the workers can write to: each compiles anew without it"
        return warning("cache folder", f"{folder} cannot be written: {error.strerror or error}", to_do)


def _python() -> Finding:
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _LEAST_PYTHON:
        return fault("Python", running, f"install Python {'.'.join(map(str, _LEAST_PYTHON))} or newer")
    user = " as root" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    return ok("Python", f"{running}{user}")
