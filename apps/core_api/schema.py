"""What `/v1/openapi.json` says: drf-spectacular's account of the views, with the schemas of the structs they answer."""

import threading
from functools import cache
from typing import Any

import msgspec
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiParameter

from apps.core_api.answers import RUN_STATUSES
from apps.core_api.openapi_doors import doors, error
from apps.core_api.openapi_texts import DESCRIPTION, MEANINGS, TAGS, scope_of, summary_and_rest, tag_of
from apps.core_api.parameters import DEFAULT_LIMIT, MAX_LIMIT

ULID = "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$"
_CONVERTERS = {
    "ulid": {"type": "string", "pattern": ULID, "examples": ["01KG9Q1ZM3E8H4J6K2P9R7S5TB"]},
    "number": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "function": {"type": "string", "minLength": 1},
    "int": {"type": "integer", "minimum": 1},
    "path": {"type": "string", "minLength": 1},
    "str": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
}
_SETTINGS = {
    "TITLE": "Inngest server, REST API v1",
    "VERSION": "1",
    "DESCRIPTION": DESCRIPTION,
    "TAGS": [{"name": name, "description": description} for name, description in TAGS.items()],
    "PATH_CONVERTER_OVERRIDES": _CONVERTERS,
    "OAS_VERSION": "3.1.0",  # as 3.0 has no `null`, which msgspec's schemas use
    "POSTPROCESSING_HOOKS": [],  # the default one gives enums names, and trips over those without a type
}
_one_at_a_time = threading.Lock()


def _paging(default: int) -> list[OpenApiParameter]:
    limit: dict[str, object] = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": default}
    return [
        OpenApiParameter("limit", limit),
        OpenApiParameter("cursor", str, description="The `next_cursor` of the page before."),
    ]


PAGING = _paging(DEFAULT_LIMIT)
PAGING_OF_HUNDRED = _paging(MAX_LIMIT)
_MOMENT: dict[str, object] = {"anyOf": [{"type": "string", "format": "date-time"}, {"const": ""}]}
"""What is empty counts as not given, as in every parameter."""
EVENT_FILTERS = [
    OpenApiParameter("name", str, description="The event's name."),
    OpenApiParameter("received_after", _MOMENT, description="At this time or later."),
    OpenApiParameter("received_before", _MOMENT, description="Before this time."),
]
RUN_FILTERS = [
    OpenApiParameter("status", str, many=True, enum=RUN_STATUSES, description="Any of these."),
    OpenApiParameter("function_id", str, description="The function's id."),
    OpenApiParameter("run_id", str, many=True, description="Of these runs alone, up to 100, on one page."),
]


class StructSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Lets views name msgspec structs as their answers."""

    target_class = msgspec.Struct
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: str) -> str:
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        _, components = msgspec.json.schema_components(
            [self.target], schema_hook=_any_json, ref_template="#/components/schemas/{name}"
        )
        own: dict[str, Any] = components.pop(self.target.__name__)
        for name, schema in components.items():
            part = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, object=name)  # type: ignore[no-untyped-call]
            auto_schema.registry.register_on_missing(part)
        return own


def _any_json(kind: type) -> dict[str, Any]:
    """Of a field that a struct leaves open. Raises NotImplementedError for other types that msgspec does not know."""
    if kind is object:
        return {}
    raise NotImplementedError


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.core_api.tokens.TokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An environment's API token; none in dev mode."}


def openapi_document() -> bytes:
    """The description as JSON. It costs a tenth of a second and depends on the code alone, so it is made once."""
    # The settings that it is made with are the whole process's meanwhile.
    with _one_at_a_time:
        return _made()


@cache
def _made() -> bytes:
    with patched_settings(_SETTINGS):
        document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _finish(operation, scope_of(method, path), of_one="{" in path)
    document["paths"] = doors() | document["paths"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["tags"] = [tag_of(path)]
    return msgspec.json.encode(document)


def _finish(operation: dict[str, Any], scope: str, *, of_one: bool) -> None:
    """Add what holds for each operation alike: its summary, and the errors that every view can come to."""
    summary, rest = summary_and_rest(operation.pop("description", ""))
    operation["summary"] = summary
    operation["description"] = f"{rest}\n\nScope: `{scope}`.".strip()
    statuses = ["400", "401", "403"]
    statuses += ["404"] if of_one else []
    statuses += ["413", "415"] if "requestBody" in operation else []
    responses = {status: error(status) for status in statuses} | operation["responses"]
    operation["responses"] = dict(sorted(responses.items()))
    for status, answer in responses.items():
        answer["description"] = answer.get("description") or MEANINGS.get(status, "")
