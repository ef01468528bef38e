"""`inngest run-info`: all there is to know of a run."""

from typing import Any

import msgspec

from apps.cli.client import Client, Refused
from apps.cli.context import AsJson, Env, connect
from apps.cli.json_text import decode, encode
from apps.cli.printing import print_json
from apps.cli.run_ids import RunId, not_found, read_run_id

_HISTORY_PAGES = 10


def run_info(run: RunId, env: Env = None, as_json: AsJson = False) -> None:
    """Show a run: its steps, their tries and logs, what it waits for, and its history."""
    run_id = read_run_id(run)
    client = connect(env)
    try:
        content = client.get_bytes(f"/v1/runs/{run_id}")
    except Refused as refusal:
        raise not_found(refusal, run_id, client.server.environment) from None
    history, is_whole = _history(client, run_id)
    if as_json:
        print_json(_document(content, history))
        return
    from apps.cli.run_screen import show_run

    answer = decode(content)
    data = answer["data"]
    data["steps"] = [_with_texts(client, run_id, step) for step in data["steps"]]
    show_run(data, _event(client, data["event_id"]), history, is_whole, now=answer["metadata"]["fetched_at"])


def _history(client: Client, run_id: str) -> tuple[list[dict[str, Any]], bool]:
    """The beginning of the history, and whether that is all of it."""
    entries: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_HISTORY_PAGES):
        answer = client.get(f"/v1/runs/{run_id}/history", limit=100, cursor=cursor)
        entries += answer["data"]
        cursor = answer["page"]["next_cursor"]
        if cursor is None:
            return entries, True
    return entries, False


def _document(content: bytes, history: list[dict[str, Any]]) -> object:
    """The run with its history. Numbers in outputs stay as they were written, where that can be."""
    try:
        run = msgspec.json.decode(
            msgspec.json.decode(content, type=dict[str, msgspec.Raw])["data"], type=dict[str, msgspec.Raw]
        )
    except (msgspec.MsgspecError, RecursionError):
        return {**decode(content)["data"], "history": history}
    return msgspec.json.encode({**run, "history": msgspec.Raw(encode(history).encode())})


def _with_texts(client: Client, run_id: str, step: dict[str, Any]) -> dict[str, Any]:
    """A failed step whose error had no room in the run's own answer is asked for by itself."""
    from apps.cli.client import quoted

    if not step["omitted"] or step["status"] != "Failed":
        return step
    loaded: dict[str, Any] = client.get(f"/v1/runs/{run_id}/steps/{quoted(step['id'])}")["data"]
    return loaded


def _event(client: Client, event_id: str | None) -> dict[str, Any] | None:
    """What started the run; None once it is gone."""
    if event_id is None:
        return None
    try:
        event: dict[str, Any] = client.get(f"/v1/events/{event_id}")["data"]
    except Refused:
        return None
    return event
