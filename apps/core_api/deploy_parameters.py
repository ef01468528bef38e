"""The parameters of what deploys: what is known, what is only tried, and a word on why."""

from typing import NamedTuple

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.core_api.errors import bad_parameter
from apps.core_api.parameters import text_parameter
from apps.core_api.tokens import actor_of, environment_of
from apps.datastore.deploys import MAX_NOTE, By

_NUMBER: dict[str, object] = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
_FLAG: dict[str, object] = {"type": "boolean", "default": False}
BASE = OpenApiParameter(
    "base",
    _NUMBER,
    description="The environment's last deploy as the sender knows it: if a later one has changed the same functions"
    " otherwise, the answer is a 409. Else the one that is the last when the request begins.",
)
NOTE = OpenApiParameter("note", {"type": "string", "maxLength": MAX_NOTE}, description="Kept with the deploy.")
DRY_RUN = OpenApiParameter("dry_run", _FLAG, description="Only say what would change.")
LIVE = OpenApiParameter(
    "live", {**_FLAG, "default": True}, description="`false` keeps the versions and leaves what is live as it is."
)


class Asked(NamedTuple):
    """What is asked for besides the content."""

    base: int
    by: By


def asked_parameters(request: Request, kind: str) -> Asked:
    """`base` and `note`. Called before the body is read: what someone else deploys from then on is a conflict."""
    last = environment_of(request).deploys
    base = number_parameter(request, "base")
    if base is not None and base > last:
        raise bad_parameter("base", f"must not be above {last}, the number of the last deploy")
    note = text_parameter(request, "note") or ""
    if len(note) > MAX_NOTE:
        raise bad_parameter("note", f"must not be longer than {MAX_NOTE} characters")
    if not note.isprintable():
        raise bad_parameter("note", "must not have control characters, such as line ends")
    return Asked(last if base is None else base, By(kind, actor_of(request), note))


def flag_parameter(request: Request, name: str, default: bool) -> bool:
    text = text_parameter(request, name)
    if text is not None and text not in ("true", "false"):
        raise bad_parameter(name, "must be true or false")
    return default if text is None else text == "true"


def number_parameter(request: Request, name: str) -> int | None:
    text = text_parameter(request, name)
    if text is None:
        return None
    # Not int() alone: it takes "1_0", " 1 " and the digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31):
        raise bad_parameter(name, "must be a whole number")
    return int(text)
