"""`runtime`: what runs a step's code, and with which options. A file a runtime that comes with the server."""

from collections.abc import Callable, Collection
from functools import partial
from urllib.parse import urlsplit

from apps.datastore.definition.docker_options import docker_options
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.option_values import Options
from apps.datastore.definition.places import StepFolder
from apps.datastore.definition.plugin_options import plugin_options
from apps.datastore.definition.suggestions import did_you_mean
from apps.datastore.definition.types import Runtime
from apps.datastore.definition.typescript_options import typescript_options
from apps.datastore.definition.values import check_object, check_text
from apps.datastore.definition.wasm_options import wasm_options
from drivers import registry

MAX_URL = 2_000

Read = Callable[[dict[str, object], str, FaultLog, StepFolder], Options | None]
"""From what the document says, its path, the log and the step's folder to what the driver gets; None if it is wrong."""


def parse_runtime(
    value: object, path: str, log: FaultLog, folder: str | None, files: Collection[str]
) -> Runtime | None:
    """The runtime of a step whose code is in `folder` (None: the document's path is wrong, and that is logged)."""
    found = check_object(value, path, log)
    if found is None:
        return None
    if "type" not in found:
        log.add(at(path, "type"), "is missing")
        return None
    kind = check_text(found["type"], at(path, "type"), log, one_line=True)
    if kind is None:
        return None
    read = _reader(kind, at(path, "type"), log)
    if read is None:
        return None
    options = read(found, path, log, StepFolder(folder, files))
    return None if options is None else Runtime(kind, options)


def max_timeout(kind: object) -> float | None:
    """The longest `timeout` of a step of that runtime, in seconds; None if there is no such runtime."""
    try:
        return registry.runtime(kind).max_timeout if isinstance(kind, str) else None
    except registry.UnsupportedRuntime:
        return None


def _reader(kind: str, path: str, log: FaultLog) -> Read | None:
    choices = registry.declarable()
    if kind not in choices:
        problem = registry.problems().get(kind)
        if problem is not None:
            log.add(path, problem)
            return None
        known = ", ".join(map(shown, choices))
        log.add(path, f"must be one of {known}, not {shown(kind)}{did_you_mean(kind, choices)}")
        return None
    return _OURS.get(kind) or partial(plugin_options, registry.runtime(kind).options)


def _http_options(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder) -> Options | None:
    check_object(found, path, log, ("type", "url"))
    if "url" not in found:
        log.add(at(path, "url"), "is missing")
        return None
    url = check_text(found["url"], at(path, "url"), log, MAX_URL, one_line=True)
    if url is None:
        return None
    if not _is_absolute(url):
        log.add(at(path, "url"), f"must be an absolute http or https URL, not {shown(url)}")
        return None
    return {"url": url}


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read for its check: ValueError if it is no port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, url))


_OURS: dict[str, Read] = {
    "docker": docker_options,
    "http": _http_options,
    "typescript": typescript_options,
    "wasm": wasm_options,
}
