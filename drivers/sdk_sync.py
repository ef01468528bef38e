"""How an SDK's app tells its functions: what is at a URL, and the two ways of asking it to sync.

Out of band, the app answers a PUT by registering with the server that it knows (`POST /fn/register`). In band, which
is for production, the PUT is signed and its signed answer holds the functions.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drivers import signing
from drivers.http_request import Found, Unreachable, request
from drivers.shown_text import one_line

ServerKind = Literal["dev", "cloud"]

TIMEOUT = 10.0
"""Seconds for an app's answer. It may have to start, and to register with us, before it gives one."""

_SDK = "x-inngest-sdk"
_HANDLED = "x-inngest-sdk-handled"
_SYNC_KIND = "x-inngest-sync-kind"
_IN_BAND = "in_band"


class SyncFailed(Exception):
    """An app did not sync; the text says what was found at its URL, in one printable line: much of it is the app's."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


class NotAnApp(SyncFailed):
    """Something answers at the URL that is no Inngest SDK."""


class NotThere(SyncFailed):
    """Nothing answers at the URL."""


class WrongMode(SyncFailed):
    """An Inngest SDK is there, which works with the other kind of server."""


class NoServer(SyncFailed):
    """An Inngest SDK is there, and did not reach the server that it knows."""


@dataclass(frozen=True, slots=True)
class Introspection:
    """What an app says of itself to anybody."""

    url: str
    mode: str
    """`dev` or `cloud`: the kind of server that the app works with."""
    sdk: str = ""
    """As in `py:v0.5.19`, where the app tells it."""
    framework: str = ""
    function_count: int | None = None
    """None if the app tells only those who sign."""
    has_event_key: bool | None = None
    has_signing_key: bool | None = None


def introspect(url: str, server_kind: ServerKind = "dev", timeout: float = TIMEOUT) -> Introspection:
    """What app is at the URL. Raises NotThere, NotAnApp."""
    found = _ask("GET", url, {"x-inngest-server-kind": server_kind}, timeout=timeout)
    told = found.json()
    if _is_app(found) and (found.status in (401, 403) or _has_no_key(told)):
        # Without a signature an app in cloud mode says no more than that it is one.
        return Introspection(url, "cloud", _sdk_of(found), found.headers.get("x-inngest-framework", ""))
    if found.status != 200 or not isinstance(told, dict) or not (_is_app(found) or "function_count" in told):
        raise _not_an_app(found)
    return Introspection(
        url,
        mode if isinstance(mode := told.get("mode"), str) and mode else "dev",
        _sdk_of(found),
        found.headers.get("x-inngest-framework", ""),
        told.get("function_count"),
        told.get("has_event_key"),
        told.get("has_signing_key"),
    )


def ask_to_sync(url: str, server_kind: ServerKind = "dev", timeout: float = TIMEOUT) -> bool:
    """Have the app register its functions with its server; whether that changed anything there, by its own account.

    That its server is us is for whoever receives the registrations to see. Raises SyncFailed.
    """
    found = _ask("PUT", url, {"x-inngest-server-kind": server_kind}, timeout=timeout)
    if not _is_app(found):
        raise _not_an_app(found)
    told = found.json()
    answer: Mapping[str, Any] = told if isinstance(told, dict) else {}
    _refuse_wrong_mode(found, answer, server_kind)
    # The Python SDK answers 200 also when it was refused, with the refusal as the body.
    if found.status != 200 or "error" in answer:
        kind = NoServer if found.status >= 500 else SyncFailed
        raise kind(f"the app at {url} could not register: {_reason(found, answer)}")
    return bool(answer.get("modified"))


def sync_in_band(
    url: str, signing_key: str, server_kind: ServerKind = "cloud", timeout: float = TIMEOUT
) -> dict[str, Any]:
    """The app's functions and what it says of itself, as it answers a signed request. Raises SyncFailed."""
    body = signing.canonical(json.dumps({"url": url}).encode())
    headers = {
        "content-type": "application/json",
        "x-inngest-server-kind": server_kind,
        _SYNC_KIND: _IN_BAND,
        "x-inngest-signature": signing.sign(body, signing_key, int(time.time())),
    }
    found = _ask("PUT", url, headers, body, timeout=timeout)
    if not _is_app(found):
        raise _not_an_app(found)
    told = found.json()
    answer: Mapping[str, Any] = told if isinstance(told, dict) else {}
    _refuse_wrong_mode(found, answer, server_kind)
    if found.status == 401:
        raise SyncFailed(f"the app at {url} does not accept our signature: its INNGEST_SIGNING_KEY is another one")
    if found.status != 200:
        raise SyncFailed(f"the app at {url} did not sync: {_reason(found, answer)}")
    if found.headers.get(_SYNC_KIND) != _IN_BAND:
        raise SyncFailed(f"the app at {url} does not sync in band (is INNGEST_ALLOW_IN_BAND_SYNC off there?)")
    signature = found.headers.get("x-inngest-signature")
    if signature is None:
        raise WrongMode(f"the answer of {url} is not signed: the app runs in dev mode, or has no INNGEST_SIGNING_KEY")
    if not signing.verify(found.body, signature, signing_key, int(time.time())):
        raise SyncFailed(f"the answer of {url} is signed with another key than ours, or too long ago")
    if not isinstance(told, dict):
        raise SyncFailed(f"the answer of {url} is not a JSON object: {found.described()}")
    return told


def _ask(method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, timeout: float) -> Found:
    try:
        return request(method, url, headers, body, timeout=timeout)
    except Unreachable as fault:
        raise NotThere(str(fault)) from None


def _is_app(found: Found) -> bool:
    return _SDK in found.headers or _HANDLED in found.headers


def _has_no_key(told: object) -> bool:
    """Whether it is how the TypeScript SDK answers anything at all in cloud mode without a signing key."""
    return isinstance(told, dict) and told.get("code") == "internal_server_error"


def _sdk_of(found: Found) -> str:
    return found.headers.get(_SDK, "").removeprefix("inngest-")


def _reason(found: Found, answer: Mapping[str, Any]) -> str:
    """The app's own words, else what was found: a value that is no text may be nested too deep to be shown."""
    told = (answer.get("error"), answer.get("message"))
    return next((text for text in told if isinstance(text, str) and text), None) or found.described()


def _not_an_app(found: Found) -> NotAnApp:
    return NotAnApp(f"no Inngest SDK answers at {found.url}: {found.described()}")


def _refuse_wrong_mode(found: Found, answer: Mapping[str, Any], server_kind: ServerKind) -> None:
    if _has_no_key(answer) and server_kind == "cloud":
        raise SyncFailed(f"the app at {found.url} is in cloud mode and has no INNGEST_SIGNING_KEY")
    if answer.get("code") == "server_kind_mismatch" or _has_no_key(answer):
        raise WrongMode(wrong_mode(found.url, "cloud" if server_kind == "dev" else "dev"))


def wrong_mode(url: str, mode: str) -> str:
    """What to do about an app that works with the other kind of server than we are."""
    if mode == "cloud":
        return f"the app at {url} is in cloud mode: start it with INNGEST_DEV=1"
    return f"the app at {url} is in dev mode: start it without INNGEST_DEV, and with an INNGEST_SIGNING_KEY"
