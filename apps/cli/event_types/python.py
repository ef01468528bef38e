"""Python from JSON Schema: a TypedDict for each event, by datamodel-code-generator."""

import re
import warnings
from collections.abc import Mapping
from typing import Any

import msgspec

from apps.cli.event_types.documents import Schema, followed, relocated, whole_event
from apps.cli.event_types.names import camel_case, free_name, type_names
from apps.cli.printing import one_line
from apps.cli.problems import Problem

_DEFINITIONS = ("$defs", "definitions")
_ONE_ENTRY = re.compile(r'\{\n +(".{1,70})\n +\},')
"""Of a dictionary: the generator leaves out the comma, and formatters then put it on one line."""


def python(events: Mapping[str, object], head: str) -> str:
    """A module for Python 3.11 and later: a type for each event, `Events` by name, and `EventTriggers`, any of them.

    `events` are schemas in JSON values by name, None where there is none. Raises Problem for a schema that cannot be
    followed.
    """
    names = type_names(events)
    types: dict[str, Any] = {}
    for event, schema in events.items():
        types |= _types(event, names[event], whole_event(event, schema), {*names.values(), *types})
    listed = {event: {"$ref": f"#/$defs/{name}"} for event, name in names.items()}
    document = {"type": "object", "properties": listed, "required": list(listed), "$defs": types}
    body = _ONE_ENTRY.sub(r"{\1},", _generated(document, head).rstrip())
    return f"{body}\n\n\n{_any_of(list(names.values()))}\n"


def _types(event: str, name: str, root: Schema, taken: set[str]) -> dict[str, Any]:
    """The event's type and those that its schema defines, by what they are called among those of all events."""
    moved: dict[str, str] = {}
    for keyword in _DEFINITIONS:
        for one in root.get(keyword, {}):
            key = one.replace("~", "~0").replace("/", "~1")
            moved[f"#/{keyword}/{key}"] = free_name(name + camel_case(one), {*taken, *moved.values()})

    def move(ref: str) -> str:
        followed(root, ref, event)
        if ref in moved:
            return f"#/$defs/{moved[ref]}"
        return f"#/$defs/{name}{ref.removeprefix('#')}"

    types: dict[str, Any] = {
        name: relocated({key: value for key, value in root.items() if key not in _DEFINITIONS}, event, move)
    }
    for ref, one in moved.items():
        schema = followed(root, ref, event)
        types[one] = relocated(schema, event, move) if isinstance(schema, dict) else schema
    return types


def _generated(document: Schema, head: str) -> str:
    from datamodel_code_generator import Error, generate
    from datamodel_code_generator.enums import DataModelType, InputFileType, NamingStrategy
    from datamodel_code_generator.format import Formatter, PythonVersion
    from datamodel_code_generator.parser import LiteralType

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own options, which are chosen here
            return str(
                generate(
                    msgspec.json.encode(document).decode(),
                    class_name="Events",
                    custom_file_header=f"# {head}",
                    disable_timestamp=True,
                    enum_field_as_literal=LiteralType.All,
                    formatters=[Formatter.BUILTIN],
                    input_file_type=InputFileType.JsonSchema,
                    naming_strategy=NamingStrategy.ParentPrefixed,
                    output_model_type=DataModelType.TypingTypedDict,
                    target_python_version=PythonVersion.PY_311,
                    use_closed_typed_dict=False,  # needs more than Python's own typing has
                    use_double_quotes=True,
                    use_field_description=True,
                    use_schema_description=True,
                    use_tuple_for_closed_arrays=True,
                    use_union_operator=True,
                )
            )
    except (Error, ValueError, TypeError, KeyError, RecursionError) as fault:
        raise Problem(f"the schemas cannot be written as Python: {one_line(str(fault), 300)}") from None


def _any_of(names: list[str]) -> str:
    line = f"EventTriggers = {' | '.join(names) or 'Events'}"
    return line if len(line) <= 88 else "EventTriggers = (\n    " + "\n    | ".join(names) + "\n)"
