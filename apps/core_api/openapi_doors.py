"""The operations that Django does not answer, described by hand: sending events, and the probes."""

from typing import Any

from apps.core_api.openapi_texts import MEANINGS

Schema = dict[str, Any]

_EVENT: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^(?!inngest/)",
            "examples": ["user/signed.up"],
        },
        "data": {"type": ["object", "null"], "description": "What functions get as `event.data`."},
        "user": {"type": ["object", "null"]},
        "id": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": 255,
            "description": "Of events with the same id, the first within a day starts functions.",
        },
        "ts": {
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": 253_402_300_799_999,
            "description": "When it happened, in milliseconds since 1970; else now.",
        },
        "v": {"type": ["string", "null"], "description": "The version of the event's shape."},
    },
    "examples": [{"name": "user/signed.up", "data": {"id": "42"}}],
}
_ACCEPTED: Schema = {
    "type": "object",
    "required": ["ids", "status"],
    "properties": {
        "ids": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Internal ids, in the order of the events: for `GET /v1/events/<id>/runs`.",
        },
        "status": {"const": 200},
    },
}
_CHECK: Schema = {
    "type": "object",
    "required": ["ok", "message"],
    "properties": {"ok": {"type": "boolean"}, "message": {"type": "string"}},
}
_READY: Schema = {
    "type": "object",
    "required": ["status", "checks"],
    "properties": {
        "status": {"type": "integer"},
        "checks": {
            "type": "object",
            "properties": dict.fromkeys(("database", "broker", "workers", "beat"), _CHECK),
            "additionalProperties": _CHECK,
        },
    },
}
_HEALTH: Schema = {
    "type": "object",
    "required": ["status", "message"],
    "properties": {"status": {"const": 200}, "message": {"type": "string"}},
}
_SEED = "`<milliseconds>,<base64 of 10 bytes>`: the same one with a repeated request makes it count once."


def error(status: str) -> Schema:
    return response(status, {"$ref": "#/components/schemas/Error"})


def response(status: str, schema: Schema) -> Schema:
    return {"description": MEANINGS[status], "content": {"application/json": {"schema": schema}}}


def doors() -> dict[str, Any]:
    """The paths and their operations."""
    return {
        "/e/{key}": {"post": _send_events()},
        "/health": {"get": _probe("get_health", "Whether the server's process answers", _HEALTH)},
        "/ready": {
            "get": _probe("get_ready", "Whether events are worked on, and if not, what is missing", _READY)
            | {"responses": {"200": response("200", _READY), "400": error("400"), "503": _not_ready()}}
        },
    }


def _send_events() -> Schema:
    one_or_many = {"oneOf": [_EVENT, {"type": "array", "items": _EVENT, "minItems": 1}]}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "operationId": "send_events",
        "summary": "Send one event, or an array of them",
        "description": "The answer comes once they are safe. If it is an error, nothing of the request is stored.",
        "parameters": [
            _parameter("key", "path", "An event key; in dev mode any text.") | {"required": True},
            _parameter("x-inngest-event-id-seed", "header", _SEED),
            _parameter("x-inngest-env", "header", "The branch, with a key of branch environments."),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": one_or_many}}},
        "responses": {
            "200": response("200", _ACCEPTED),
            **{status: error(status) for status in ("400", "401", "408", "413", "415")},
            "503": error("503") | {"headers": retry},
        },
        "security": [],
    }


def _parameter(name: str, place: str, description: str) -> Schema:
    schema = {"type": "string", "pattern": "^[^/]+$"} if place == "path" else {"type": "string"}
    return {"name": name, "in": place, "description": description, "schema": schema}


def _probe(operation_id: str, summary: str, schema: Schema) -> Schema:
    responses = {"200": response("200", schema), "400": error("400")}
    return {"operationId": operation_id, "summary": summary, "responses": responses, "security": []}


def _not_ready() -> Schema:
    return response("503", _READY) | {"description": "Something is missing; the checks say what."}
