"""Moving live pointers: what starts a function from now on, and the release that says so. Nobody else moves them."""

from collections.abc import Sequence
from typing import NamedTuple

from apps.datastore.cron_triggers import LiveCrons, replace_crons
from apps.datastore.definition.types import FunctionDefinition
from apps.datastore.models import Deploy, EventTrigger, Function, FunctionVersion, Release

_ROWS = 500
"""Rows in one statement."""


class Move(NamedTuple):
    """A function, and what is to be live of it."""

    function: Function
    version: FunctionVersion | None
    """None takes it down: no event and no cron starts it any more, and its runs go on."""
    definition: FunctionDefinition | None
    """The version's."""
    beneath: Release | None
    """What a later rollback goes back to."""


def move(deploy: Deploy, moves: Sequence[Move]) -> None:
    """Move the live pointers, in as few statements for a thousand as for one.

    Called in the transaction of the deploy, which has locked the functions and read them after that.
    """
    functions = [one.function for one in moves]
    for one in moves:
        one.function.live_version = one.version
    Function.objects.bulk_update(functions, ["live_version"], batch_size=_ROWS)
    EventTrigger.objects.filter(function__in=functions).delete()
    EventTrigger.objects.bulk_create(
        (
            EventTrigger(
                environment_id=one.function.environment_id, event_name=event, function=one.function, version=one.version
            )
            for one in moves
            if one.version is not None and one.definition is not None
            for event in dict.fromkeys(trigger.event for trigger in one.definition.triggers)
        ),
        batch_size=_ROWS,
    )
    Release.objects.bulk_create(
        (Release(function=one.function, deploy=deploy, version=one.version, beneath=one.beneath) for one in moves),
        batch_size=_ROWS,
    )
    # Last: all environments' deploys of crons wait for each other there.
    replace_crons(deploy.environment, [_live_crons(one) for one in moves])


def _live_crons(move: Move) -> LiveCrons:
    crons = () if move.version is None or move.definition is None else move.definition.crons
    return LiveCrons(move.function, move.version, crons)
