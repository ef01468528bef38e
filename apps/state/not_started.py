"""Why an event did not start a function that has a trigger for it."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection


class Refusal(NamedTuple):
    """`why` is a word of `models.NotStarted`, `reason` a sentence."""

    event_seq: int
    function_id: int
    version_id: int
    why: str
    reason: str


def keep_refusals(refusals: Sequence[Refusal]) -> None:
    """Keep why functions were not started, in one statement."""
    if not refusals:
        return
    columns = [list(column) for column in zip(*refusals, strict=True)]
    columns[4] = [reason.replace("\0", "\ufffd").encode(errors="replace").decode() for reason in columns[4]]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO state_notstarted (event_seq, function_id, version_id, why, reason)"
            " SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[])"
            " ON CONFLICT DO NOTHING",
            columns,
        )
