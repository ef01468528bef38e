"""Registrations as the SDKs send them."""

import json
from typing import Any

from apps.datastore.models import Environment
from apps.datastore.registering import Registered, register
from apps.datastore.sdk_app import parse_registration

URL = "http://127.0.0.1:8000/api/inngest"


def function(function_id: str = "shop-paid", **fields: Any) -> dict[str, Any]:
    """As both SDKs have it; `fields` are put over it."""
    return {
        "id": function_id,
        "name": function_id,
        "triggers": [{"event": "test/event"}],
        "steps": {
            "step": {
                "id": "step",
                "name": "step",
                "runtime": {"type": "http", "url": f"{URL}?fnId={function_id}&stepId=step"},
            }
        },
        **fields,
    }


def typescript_app(*functions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "url": URL,
        "deployType": "ping",
        "framework": "express",
        "appName": "shop",
        "functions": list(functions),
        "sdk": "js:v4.24.0",
        "v": "0.1",
        "capabilities": {"trust_probe": "v1", "connect": "v1"},
        "featureObservations": {"a": 1},
        **fields,
    }


def python_app(*functions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "appname": "shop",
        "appVersion": None,
        "capabilities": {"in_band_sync": "v1", "trust_probe": "v1"},
        "deployType": "ping",
        "framework": "fast_api",
        "functions": list(functions),
        "sdk": "py:v0.5.19",
        "url": URL,
        "v": "0.1",
        **fields,
    }


def python_function(function_id: str = "shop-paid", **fields: Any) -> dict[str, Any]:
    """With the nulls that Python sends for what is not set."""
    empty = ("batchEvents", "cancel", "concurrency", "debounce", "idempotency", "priority", "rateLimit", "throttle")
    nothing = dict.fromkeys((*empty, "timeouts", "singleton"))
    found = function(function_id, **nothing)
    found["triggers"] = [{"event": "test/event", "expression": None}]
    found["steps"]["step"]["retries"] = None
    return found | fields


def registered(environment: Environment, *functions: dict[str, Any], **fields: Any) -> Registered:
    """Register an app with these functions, as its body would."""
    return register(environment, parse_registration(json.loads(json.dumps(typescript_app(*functions, **fields)))))
