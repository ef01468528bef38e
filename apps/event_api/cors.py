"""Browsers send events from any page: to `/e/` every origin may post."""

from collections.abc import Mapping

from apps.event_api.wire import Answer, Headers

ANY_ORIGIN: Headers = [(b"access-control-allow-origin", b"*")]
METHODS = b"POST, OPTIONS"
_MAX_AGE = b"86400"


def preflight(headers: Mapping[bytes, bytes]) -> Answer:
    """What a browser asks before it posts JSON: whatever headers it wants to send, it may."""
    return Answer(
        204,
        headers=[
            (b"allow", METHODS),
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", headers.get(b"access-control-request-headers", b"content-type")),
            (b"access-control-max-age", _MAX_AGE),
            (b"vary", b"Access-Control-Request-Headers"),
        ],
    )
