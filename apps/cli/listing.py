"""Lists that the server gives in pages."""

from collections.abc import Iterator
from typing import Any

from apps.cli.client import Client, Value

_PAGE = 100


def every(client: Client, path: str, **params: Value) -> Iterator[dict[str, Any]]:
    """All items, page by page; a page can be empty and have a next one."""
    cursor: str | None = None
    while True:
        answer = client.get(path, limit=_PAGE, cursor=cursor, **params)
        yield from answer["data"]
        cursor = (answer.get("page") or {}).get("next_cursor")
        if cursor is None:
            return
