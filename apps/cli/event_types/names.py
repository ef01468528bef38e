"""What the types are called: `UserSignedUp` for the event `user/signed.up`."""

import re
from collections.abc import Collection, Iterable

_TAKEN = frozenset(
    # What the generated files say themselves, in TypeScript and in Python.
    ("Events", "EventTriggers", "Array", "Record", "Any", "Literal", "None", "NotRequired", "TypedDict", "TypeAlias")
    + ("True", "False", "Union", "Annotated", "Optional", "Required", "Final")
)


def type_names(events: Iterable[str]) -> dict[str, str]:
    """A type's name for each event, no two alike."""
    names: dict[str, str] = {}
    for event in events:
        names[event] = free_name(camel_case(event), {*_TAKEN, *names.values()})
    return names


def camel_case(text: str) -> str:
    """A name in ASCII letters and digits that begins with a capital letter."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Event{name}"


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or the name with the first number from 2 that makes it another one."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}{number}"
    return found
