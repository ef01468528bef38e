"""Values that runtimes' options have and nothing else in a definition: sizes of memory, names of images and hosts."""

import re
from typing import NamedTuple

from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.values import check_list, check_text, kind
from drivers.runtime import OptionValue

Options = dict[str, OptionValue]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_BYTES = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)")

# The grammar of github.com/distribution/reference, which the engine holds names to.
_DOMAIN_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"((?:{_DOMAIN}/)?{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
MAX_IMAGE = 500
MAX_IMAGE_NAME = 255

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:(\*\.)?({_LABEL}(?:\.{_LABEL})*)|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?")
MAX_HOST = 260
MAX_HOSTS = 100


class Bounds(NamedTuple):
    low: float
    high: float
    words: str
    """As in "from 1 to 10"."""


def check_bytes(value: object, path: str, log: FaultLog, bounds: Bounds) -> int | None:
    """A size: a number of bytes, or text such as "512MB" or "64MiB"."""
    size: float | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str):
        found = _BYTES.fullmatch(value.strip())
        if found and found[2].upper() in _UNITS:
            size = float(found[1]) * _UNITS[found[2].upper()]
    if size is None:
        written = shown(value) if isinstance(value, str) else kind(value)
        units = "KB, MB or GB (thousands), KiB, MiB or GiB (1024s)"
        log.add(path, f'must be a size such as "512MB" or "64MiB", in {units}, or a number of bytes; not {written}')
    elif not bounds.low <= size <= bounds.high:
        log.add(path, f"must be {bounds.words}")
    else:
        return int(size)
    return None


def check_number(value: object, path: str, log: FaultLog, bounds: Bounds) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        log.add(path, f"must be a number, not {kind(value)}")
    elif not bounds.low <= value <= bounds.high:
        log.add(path, f"must be {bounds.words}")
    else:
        return float(value)
    return None


def check_image(value: object, path: str, log: FaultLog) -> str | None:
    """The name of a container's image: `alpine`, `registry.example.com:5000/team/app:1.2@sha256:…`."""
    text = check_text(value, path, log, MAX_IMAGE, one_line=True)
    if text is None:
        return None
    found = _IMAGE.fullmatch(text)
    if found and len(found[1]) <= MAX_IMAGE_NAME:
        return text
    if "://" in text:
        hint = '; it has no "https://" before it'
    else:
        hint = "; names are lowercase" if _IMAGE.fullmatch(text.lower()) else ""
    log.add(path, f'must be an image, written as "name:tag" or "registry/name@sha256:…", not {shown(text)}{hint}')
    return None


def check_hosts(value: object, path: str, log: FaultLog) -> list[str] | None:
    """Where `fetch` may go, in lowercase, each once."""
    hosts: dict[str, None] = {}
    for index, entry in enumerate(check_list(value, path, log, 0, MAX_HOSTS) or []):
        host = _check_host(entry, at(path, index), log)
        if host is not None:
            hosts[host] = None
    return list(hosts)


def _check_host(value: object, path: str, log: FaultLog) -> str | None:
    text = check_text(value, path, log, MAX_HOST, one_line=True)
    if text is None:
        return None
    try:
        found = _HOST.fullmatch(text.lower().encode("idna").decode())
    except UnicodeError:  # a part of it is empty or too long
        found = None
    if found and not (found[3] and not 0 < int(found[3]) < 65536):
        return text.lower()
    if "://" in text or "/" in text:
        problem = f'must be a host alone, without scheme or path, not {shown(text)}; as in "example.com"'
    elif found:
        problem = "has a port that is none: they go from 1 to 65535"
    elif text.strip() == "*":
        problem = 'must name hosts; "*" alone is none'
    else:
        problem = f'must be a host such as "example.com", "*.example.com" or "localhost:3000", not {shown(text)}'
    log.add(path, problem)
    return None
