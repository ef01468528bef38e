"""`inngest events send`: one event, or a file of them."""

import base64
import os
import time
from typing import Annotated, Any

import msgspec
import typer

from apps.cli.client import Client, Refused, Unreachable, quoted
from apps.cli.completing import complete_event_name
from apps.cli.context import AsJson, check_environment
from apps.cli.event_files import Batch, in_batches, json_object, read_events
from apps.cli.printing import note, out, print_json
from apps.cli.problems import Problem
from apps.cli.servers import BRANCH, check_name, choose_server

EVENT_KEY = "INNGEST_EVENT_KEY"
_ANY_KEY = "cli"
_TRIES = 4
_PAUSE_SECONDS = 0.5

Name = Annotated[
    str | None, typer.Argument(help="The event's name.", metavar="NAME", autocompletion=complete_event_name)
]
Data = Annotated[str | None, typer.Option("--data", "-d", help="Its data: JSON, @file or - for stdin.", metavar="JSON")]
User = Annotated[str | None, typer.Option("--user", help="Its user, likewise.", metavar="JSON")]
Id = Annotated[str | None, typer.Option("--id", help="What a repetition is known by.", metavar="ID")]
Ts = Annotated[int | None, typer.Option("--ts", help="When it happened: milliseconds since 1970.", metavar="MS")]
File = Annotated[
    str | None, typer.Option("--file", help="Events as a JSON array or a line each; - for stdin.", metavar="FILE")
]
Key = Annotated[
    str | None,
    typer.Option("--key", help=f"Event key, which decides the environment; else {EVENT_KEY}.", metavar="KEY"),
]
Env = Annotated[
    str | None,
    typer.Option("--env", "-e", help="On a dev server dev; elsewhere a branch, for a --key of those.", metavar="NAME"),
]


def send(
    name: Name = None,
    data: Data = None,
    user: User = None,
    event_id: Id = None,
    ts: Ts = None,
    file: File = None,
    key: Key = None,
    env: Env = None,
    as_json: AsJson = False,
) -> None:
    """Send an event, or all events of a file, and print their ids."""
    single = {"--data": data, "--user": user, "--id": event_id, "--ts": ts}
    if (name is None) == (file is None) or (file is not None and any(value is not None for value in single.values())):
        raise typer.BadParameter("Name an event (with --data, --user, --id, --ts), or a --file of events, not both.")
    if data == "-" and user == "-":
        raise typer.BadParameter("Only one of --data and --user can be read from stdin.")
    events = [_event(name, data, user, event_id, ts)] if name is not None else read_events(file or "")
    client = _connect(env, key)
    path = f"/e/{quoted(_key(client, key))}"
    ids: list[str] = []
    try:
        for batch in in_batches(events):
            accepted = _send(client, path, batch, len(ids))
            ids += accepted
            if not as_json:
                out().print("\n".join(accepted), soft_wrap=True)
    except Problem as problem:
        raise _with_what_was_accepted(problem, len(ids)) from None
    finally:
        if as_json:
            print_json({"ids": ids})
    note(f"{len(ids)} {'event' if len(ids) == 1 else 'events'} accepted by {client.server.url}")


def _event(name: str, data: str | None, user: str | None, event_id: str | None, ts: int | None) -> bytes:
    fields: dict[str, Any] = {"name": name, "id": event_id, "ts": ts}
    event = {field: value for field, value in fields.items() if value is not None}
    # As it was written: numbers of any length reach the function as they are.
    payloads = {
        field: json_object(text, f"--{field}") for field, text in (("data", data), ("user", user)) if text is not None
    }
    return msgspec.json.encode({**event, **{field: msgspec.Raw(text) for field, text in payloads.items()}})


def _connect(env: str | None, key: str | None) -> Client:
    """A client, once it is clear that the events cannot go to another environment than the one that is named.

    Outside dev mode the key alone decides where events go, and nobody tells us whose it is: `--env` would promise
    what it cannot keep. Only with a key of the branch environments it says which branch is meant.
    """
    server = choose_server()
    if env is None:
        return Client(server)
    check_name(env)
    client = Client(server._replace(environment=env))
    if _is_dev(client):
        check_environment(client, env)
    elif not env.startswith(f"{BRANCH}/"):
        raise Problem(
            "an event key belongs to one environment: --env can neither choose nor check it",
            f"leave --env out, and give --key or {EVENT_KEY} with a key of {env}",
        )
    elif not key:
        raise Problem(
            f"--env {env} needs --key with a key of the environment {BRANCH}",
            f"a key of another environment, as {EVENT_KEY} may hold, would send to that one",
        )
    return client


def _is_dev(client: Client) -> bool:
    root = client.get("/")
    return isinstance(root, dict) and root.get("kind") == "dev"


def _key(client: Client, given: str | None) -> str:
    """The event key. A dev server takes any."""
    key = given or os.environ.get(EVENT_KEY)
    if key:
        return key
    if _is_dev(client):
        return _ANY_KEY
    raise Problem(
        f"{client.server.url} takes events with an event key only",
        f"set {EVENT_KEY} or --key; python manage.py keys create-event-key <environment> <name> makes one",
    )


def _send(client: Client, path: str, batch: Batch, before: int) -> list[str]:
    """The ids. Tried again where that may help: by its seed, a batch that did arrive counts once."""
    seed = f"{time.time_ns() // 1_000_000},{base64.b64encode(os.urandom(10)).decode()}"
    headers = {"x-inngest-event-id-seed": seed}
    for pause in range(1, _TRIES):
        try:
            return _sent(client, path, batch, headers)
        except Refused as refusal:
            if refusal.status != 503:
                raise
        except Unreachable:
            if before == 0:
                raise  # nothing has gone well yet: the address is more likely to be wrong than the line to be bad
        time.sleep(_PAUSE_SECONDS * pause)
    return _sent(client, path, batch, headers)


def _sent(client: Client, path: str, batch: Batch, headers: dict[str, str]) -> list[str]:
    try:
        answer = client.send("POST", path, batch.body, "application/json", headers=headers)
    except Refused as refusal:
        if refusal.status == 401:
            raise Problem(f"{refusal.message} on {client.server.url}", f"--key or {EVENT_KEY} names another") from None
        if batch.size > 1:
            which = f"of the batch that begins with event {batch.first} (as number 0)"
            refusal.message = f"{which}, {refusal.message}"
        raise
    ids: list[str] = answer["ids"]
    return ids


def _with_what_was_accepted(problem: Problem, accepted: int) -> Problem:
    if accepted == 0:
        return Problem(problem.message, problem.next_step or "no event was accepted")
    done = f"the first {accepted} events were accepted; send those after them again"
    return Problem(problem.message, f"{done}\n{problem.next_step}".strip())
