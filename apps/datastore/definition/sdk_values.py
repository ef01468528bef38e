"""Reading what an SDK sends: null is as good as nothing, and fields that we do not know are a newer SDK's."""

from urllib.parse import urlsplit

from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.values import check_object, check_text

MAX_ID = 255
MAX_URL = 2_000


def check_fields(value: object, path: str, log: FaultLog) -> dict[str, object] | None:
    """An object's fields, without those that are null."""
    found = check_object(value, path, log)
    return None if found is None else {name: entry for name, entry in found.items() if entry is not None}


def check_id(value: object, path: str, log: FaultLog) -> str | None:
    """An app's id, a function's, or an event's name: users make them up."""
    return check_text(value, path, log, MAX_ID, one_line=True)


def check_url(value: object, path: str, log: FaultLog) -> str | None:
    text = check_text(value, path, log, MAX_URL, one_line=True)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        port_is_right = False
    if not port_is_right or parts.scheme not in {"http", "https"} or not parts.hostname or " " in text:
        log.add(path, "must be an http or https URL")
        return None
    try:
        parts.hostname.encode("idna")  # as the driver does for each call
    except UnicodeError:
        log.add(path, "must name a host whose parts, between the dots, have 1 to 63 characters")
        return None
    return text


def without_userinfo(url: str) -> str:
    """A URL that was checked, fit to be shown: the name and password in it are secrets of the app's."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
