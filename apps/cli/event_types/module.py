"""A file of types, in the language that is asked for. A generator is imported when it is needed."""

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """Those that there are types for."""

    TYPESCRIPT = "typescript"
    PYTHON = "python"


def module(language: Language, events: Mapping[str, object]) -> str:
    """The file's text. `events` are schemas in JSON values by event name, None for one without. Raises Problem."""
    head = f"Made by `inngest types {language}` from the events' schemas: change those instead."
    if language is Language.PYTHON:
        from apps.cli.event_types.python import python

        return python(events, head)
    from apps.cli.event_types.typescript import typescript

    return typescript(events, head)
