"""What an app of an SDK registers."""

from typing import Any


def registration(url: str, *functions: str, app: str = "shop") -> dict[str, Any]:
    """The registration of an app at `url` with these functions, or with one called `order`."""
    return {
        "url": url,
        "deployType": "ping",
        "appName": app,
        "sdk": "js:v4.24.0",
        "v": "0.1",
        "framework": "express",
        "functions": [_function(url, f"{app}-{name}") for name in functions or ("order",)],
    }


def _function(url: str, slug: str) -> dict[str, Any]:
    runtime = {"type": "http", "url": f"{url}?fnId={slug}&stepId=step"}
    return {
        "id": slug,
        "name": slug,
        "triggers": [{"event": "shop/order.placed"}],
        "steps": {"step": {"id": "step", "name": "step", "runtime": runtime}},
    }
