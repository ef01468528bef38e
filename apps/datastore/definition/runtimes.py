"""`runtime`: what runs a step's code, and for how long at most."""

from collections.abc import Collection
from posixpath import relpath
from urllib.parse import urlsplit

from apps.datastore.definition import later
from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.places import MAX_LENGTH, within
from apps.datastore.definition.types import Runtime
from apps.datastore.definition.values import check_choice, check_object, check_text

MAX_URL = 2_000
MAX_TIMEOUT = {"docker": "2h", "http": "2h", "typescript": "5m", "wasm": "5m"}
SCRIPT_ENDINGS = (".ts", ".mts", ".js", ".mjs")
DEFAULT_SCRIPTS = ("index.ts", "index.js")


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
    match check_choice(found["type"], at(path, "type"), log, MAX_TIMEOUT):
        case "http":
            return _parse_http(found, path, log)
        case "typescript":
            return _parse_typescript(found, path, log, folder, files)
        case str() as kind:
            later.RUNTIMES[kind](found, path, log)
            refuse_runtime(kind, at(path, "type"), log)
    return None


def refuse_runtime(kind: str, path: str, log: FaultLog) -> None:
    log.add(path, f"the {kind} runtime is not yet supported")


def _parse_http(found: dict[str, object], path: str, log: FaultLog) -> Runtime | None:
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
    return Runtime("http", {"url": url})


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read for its check: ValueError if it is no port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, url))


def _parse_typescript(
    found: dict[str, object], path: str, log: FaultLog, folder: str | None, files: Collection[str]
) -> Runtime | None:
    check_object(found, path, log, ("type", "entrypoint"))
    written = None
    if "entrypoint" in found:
        path = at(path, "entrypoint")
        written = check_text(found["entrypoint"], path, log, MAX_LENGTH, one_line=True)
        if written is None:
            return None
        if not written.endswith(SCRIPT_ENDINGS):
            log.add(path, f"must be a file that ends in {', '.join(SCRIPT_ENDINGS)}")
            return None
    if folder is None:
        return None
    names = DEFAULT_SCRIPTS if written is None else (written,)
    for name in names:
        script = within(folder, name, path, log)
        if script is None:
            return None
        if script in files:
            return Runtime("typescript", {"entrypoint": relpath(script, folder or ".")})
    where = f"the folder {shown(folder)}" if folder else "the function's folder"
    log.add(path, f"there is no {' or '.join(names) if written is None else shown(written)} in {where}")
    return None
