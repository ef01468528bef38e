"""Reading query parameters. A bad value is a 400 that names the parameter; parameters that nobody reads are ignored."""

from datetime import UTC, datetime
from typing import NamedTuple

from django.core.signing import BadSignature, Signer
from rest_framework.request import Request

from apps.core_api.answers import RUN_STATUSES, Page, RunStatus
from apps.core_api.errors import bad_parameter

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def text_parameter(request: Request, name: str) -> str | None:
    """None if it is not there or empty."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise bad_parameter(name, "must be there only once")
    return _checked(name, given[0]) or None if given else None


def _checked(name: str, text: str) -> str:
    if "\0" in text:
        raise bad_parameter(name, "must not have NUL characters")
    return text


def time_parameter(request: Request, name: str) -> datetime | None:
    text = text_parameter(request, name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_parameter(
            name, "must be a time such as 2026-01-31T12:00:00Z (a `+` in a query string is written %2B)"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def statuses_parameter(request: Request) -> list[RunStatus]:
    """`status` may be given several times."""
    known = {status.lower(): status for status in RUN_STATUSES}
    given = [text.lower() for text in request.query_params.getlist("status") if text]
    if any(text not in known for text in given):
        raise bad_parameter("status", f"must be one of {', '.join(RUN_STATUSES)}")
    return [known[text] for text in given]


def run_ids_parameter(request: Request) -> list[str]:
    """`run_id` may be given up to MAX_LIMIT times. What is no id of a run is one that is not there."""
    given = [_checked("run_id", text).upper() for text in request.query_params.getlist("run_id") if text]
    if len(given) > MAX_LIMIT:
        raise bad_parameter("run_id", f"must be there at most {MAX_LIMIT} times")
    return given


class PageRequest(NamedTuple):
    """Which page of a list is asked for."""

    limit: int
    after: str | None
    """The position where the page before ended; None for the first page."""
    signer: Signer

    def answer(self, position: object | None) -> Page:
        """The page's own account of itself, given the position where it ended; None if that was the end."""
        return Page(self.limit, None if position is None else self.signer.sign(str(position)))


def page_parameters(request: Request, of: str, default_limit: int = DEFAULT_LIMIT) -> PageRequest:
    """`limit` and `cursor`. Cursors are signed, for lists `of` their kind: a position that we read is one we wrote."""
    signer = Signer(sep=".", salt=f"cursor of {of}")
    cursor = text_parameter(request, "cursor")
    try:
        after = None if cursor is None else signer.unsign(cursor)
    except BadSignature:
        raise bad_parameter("cursor", "must be the `next_cursor` of a page of this list") from None
    return PageRequest(_limit(request, default_limit), after, signer)


def _limit(request: Request, default: int) -> int:
    text = text_parameter(request, "limit")
    if text is None:
        return default
    # Not int() alone: it takes "1_0", " 1 " and the digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise bad_parameter("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)
