"""What an app says when it registers, read and checked: in the body of `POST /fn/register`, or in its in-band answer.

Pure: nothing is looked up or stored.
"""

from typing import NamedTuple

from apps.datastore.definition.faults import FaultLog, InvalidDefinition, at
from apps.datastore.definition.sdk_functions import parse_sdk_function
from apps.datastore.definition.sdk_values import check_fields, check_id, check_url
from apps.datastore.definition.types import FunctionDefinition, Sdk
from apps.datastore.definition.values import check_list, check_text, required

ROOT = "$"
MAX_FUNCTIONS = 1_000
MAX_CRONS = 1_000
"""Of all functions together. A new cron's bell takes some 25 ms, under a lock that all registrations wait for:
with 100 for each of its functions one app could hold it for forty minutes."""
MAX_SDK = 100
MAX_VERSION = 255

APP_ID = ("appName", "appname", "app_id")
"""TypeScript's name for it, Python's, and both SDKs' in band."""


class Registration(NamedTuple):
    """An app with its functions."""

    app: str
    """Its id."""
    url: str
    sdk: str
    """Language and version, as in `py:v0.5.19`."""
    framework: str
    app_version: str
    definitions: list[FunctionDefinition]


def parse_registration(document: object) -> Registration:
    """Check all of it. Raises InvalidDefinition with every fault and its path, whatever the document is."""
    log = FaultLog()
    found = check_fields(document, ROOT, log)
    if found is None:
        raise InvalidDefinition(log.faults)
    app = _app_id(found, log)
    url = required(found, "url", ROOT, log, check_url)
    sdk = _sdk(found, log)
    framework = _text(found, "framework", log, MAX_SDK)
    app_version = _text(found, "appVersion", log, MAX_VERSION)
    definitions = _functions(found, log, Sdk(app or "", url or "", sdk))
    if log.count or app is None or url is None:
        raise InvalidDefinition(log.faults)
    return Registration(app, url, sdk, framework, app_version, definitions)


def said_app_id(document: object) -> str | None:
    """Which app a registration that is refused seems to be of."""
    found = check_fields(document, ROOT, FaultLog())
    return None if found is None else _app_id(found, FaultLog())


def _functions(found: dict[str, object], log: FaultLog, sdk: Sdk) -> list[FunctionDefinition]:
    path = at(ROOT, "functions")
    definitions: dict[str, FunctionDefinition] = {}
    if "functions" not in found:
        log.add(path, "is missing")
        return []
    for index, entry in enumerate(check_list(found["functions"], path, log, 0, MAX_FUNCTIONS) or []):
        definition = parse_sdk_function(entry, at(path, index), log, sdk)
        if definition is not None and definitions.setdefault(definition.id, definition) is not definition:
            log.add(at(at(path, index), "id"), "is the id of another function of this app")
    crons = sum(len(definition.crons) for definition in definitions.values())
    if crons > MAX_CRONS:
        log.add(path, f"have {crons} crons together; an app may have at most {MAX_CRONS}")
    return list(definitions.values())


def _app_id(found: dict[str, object], log: FaultLog) -> str | None:
    name = next((name for name in APP_ID if found.get(name)), None)
    if name is None:
        log.add(at(ROOT, APP_ID[0]), "App ID required")
        return None
    return check_id(found[name], at(ROOT, name), log)


def _sdk(found: dict[str, object], log: FaultLog) -> str:
    """In one field, or, as Python has it in band, in two."""
    if found.get("sdk"):
        return _text(found, "sdk", log, MAX_SDK)
    language, version = (_text(found, name, log, MAX_SDK // 2 - 2) for name in ("sdk_language", "sdk_version"))
    return f"{language}:v{version}" if language or version else ""


def _text(found: dict[str, object], name: str, log: FaultLog, limit: int) -> str:
    """For people only: what is missing is empty."""
    return check_text(found[name], at(ROOT, name), log, limit, one_line=True) or "" if found.get(name) else ""
