"""Redirects of an http step: those that move it within its own host are followed, as it is, body and all.

The input may hold secrets, so no other host may see it; and a step is a POST, which 301, 302 and 303 would make a GET.
"""

from collections.abc import Callable
from urllib.parse import urljoin

from drivers.http_client import Request, Target, check_length, target_of
from drivers.http_connections import Origin
from drivers.http_exchange import Answer

MOST = 5
"""Redirects that are followed in a row."""

_SHOWN_CHARS = 2_000
_FOLLOWED = frozenset({307, 308})
_CHANGE_METHOD = frozenset({301, 302, 303})


class SameHost:
    """Follows the redirects of one call. ``request`` is what was asked last."""

    def __init__(self, url: str, target: Target, request: Request, again: Callable[[Target], Request]) -> None:
        self.request = request
        self._url = url
        self._target = target
        self._again = again
        self._followed = 0
        self._refusal = ""

    def next(self, answer: Answer) -> Request | None:
        """The request that the answer sends us on to, or None if the step ends with it."""
        location = answer.headers.get("location")
        if not 300 <= answer.status < 400 or not location:
            return None
        try:
            check_length(location)
            url = urljoin(self._url, location)
            target = target_of(url)
        except ValueError:
            self._refuse(location[:_SHOWN_CHARS], "only redirects within the same host are followed")
            return None
        if answer.status in _CHANGE_METHOD:
            self._refuse(target.shown, "redirects that change the method (301, 302, 303) are not followed")
        elif answer.status not in _FOLLOWED:
            self._refuse(target.shown, "only redirects with 307 or 308 are followed")
        elif not _is_within_host(self._target.origin, target.origin):
            self._refuse(target.shown, "redirects to another host, scheme or port are not followed")
        elif self._followed == MOST:
            self._refuse(target.shown, f"no more than {MOST} redirects in a row are followed")
        else:
            self._followed += 1
            self._url, self._target = url, self._authorized(target)
            self.request = self._again(self._target)
            return self.request
        return None

    def told(self, message: str) -> str:
        """The message about the last answer, with where it led and why nobody went there."""
        return message + self._refusal

    def _authorized(self, target: Target) -> Target:
        """With the user and password of the URL that we come from, unless it leads to another origin."""
        if target.authorization is None and target.origin == self._target.origin:
            return target.authorized(self._target.authorization)
        return target

    def _refuse(self, where: str, why: str) -> None:
        self._refusal = f" to {where}; {why}"


def _is_within_host(old: Origin, new: Origin) -> bool:
    if old == new:
        return True
    return old.host == new.host and (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443)
