"""What starts a function, as every answer about functions tells it."""

import msgspec

from apps.datastore.definition.types import FunctionDefinition


class Trigger(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Of an event, or of a cron."""

    event: str | None = None
    expression: str | None = None
    cron: str | None = None


def triggers_of(definition: FunctionDefinition) -> list[Trigger]:
    return [
        *(Trigger(event=trigger.event, expression=trigger.expression) for trigger in definition.triggers),
        *(Trigger(cron=trigger.cron) for trigger in definition.crons),
    ]
