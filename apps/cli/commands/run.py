"""`inngest run`: one function, here and now, on an event of which one can choose."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli.context import AsJson, Env, connect
from apps.cli.printing import note, print_json
from apps.cli.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.cli.run_choice import Chosen
    from apps.datastore.definition import FunctionDefinition
    from apps.devserver.jobs import Job, Result

MOST = 1_000

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="The function's folder, or one around it.", show_default="here")
]
Function = Annotated[
    str | None, typer.Option("--function", "-f", help="Which one, of several below DIR.", metavar="ID")
]
OfTrigger = Annotated[
    str | None, typer.Option("--trigger", help="Which one, of several: its event, or cron.", metavar="NAME")
]
EventFile = Annotated[
    str | None,
    typer.Option("--event-file", help="Run on the event, or events, of a file; - for stdin.", metavar="FILE"),
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Makes the same event of the schema again.", metavar="N")
]
Replay = Annotated[bool, typer.Option("--replay", help="Run on the newest events of the server.")]
Count = Annotated[int, typer.Option("--count", min=1, max=MOST, help="How many, with --replay.", metavar="N")]
EventId = Annotated[str | None, typer.Option("--event-id", help="Run on this event of the server.", metavar="ID")]
Snapshot = Annotated[bool, typer.Option("--snapshot", help="Print the event, and run nothing.")]


def run(
    folder: Folder = Path(),
    *,
    function: Function = None,
    trigger: OfTrigger = None,
    event_file: EventFile = None,
    seed: Seed = None,
    replay: Replay = False,
    count: Count = 1,
    event_id: EventId = None,
    snapshot: Snapshot = False,
    env: Env = None,
    as_json: AsJson = False,
) -> None:
    """Run one function on this machine and show its steps, until it has ended.

    The event is made up from the schema of its trigger, unless one is given or replayed. Exit code 1 if the run failed.
    """
    import apps.devserver.local_time  # noqa: F401 - finds the person's time zone before the settings set another
    from apps.cli.run_choice import check, choose_folder, choose_trigger
    from apps.cli.wasm_builds import build_modules

    _refuse_at_once(event_file=event_file, seed=seed, replay=replay, event_id=event_id)
    if count != 1 and not replay:
        raise typer.BadParameter("--count needs --replay.")
    here = choose_folder(folder, function)
    if not snapshot:
        build_modules(here)
    definition = check(here)
    chosen = None if replay or event_id else choose_trigger(definition, trigger)

    def events() -> list[dict[str, Any]]:
        return _events(definition, chosen, trigger, event_file, seed, count, event_id, env)

    if snapshot:
        for event in events():
            print_json(event, indent=2 if count == 1 else 0)
        return
    if event_file or chosen is None:
        found = events()  # at once: what is wrong with them is told before anything is started
        _run(here, lambda: found, as_json)
    else:
        _run(here, events, as_json)


def _refuse_at_once(**options: object) -> None:
    given = [name for name, value in options.items() if value is not None and value is not False]
    if len(given) > 1:
        named = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise typer.BadParameter(f"{named} each say which event it is; give one of them.")


def _events(
    definition: "FunctionDefinition",
    chosen: "Chosen | None",
    trigger: str | None,
    event_file: str | None,
    seed: int | None,
    count: int,
    event_id: str | None,
    env: str | None,
) -> list[dict[str, Any]]:
    from apps.cli import run_events

    if event_id is not None:
        return run_events.by_id(connect(env), definition, event_id)
    if chosen is None:
        return run_events.replayed(connect(env), definition, trigger, count)
    if event_file is not None:
        return run_events.from_file(event_file, definition, chosen, MOST)
    return [run_events.generated(chosen, seed)]


def _run(here: Path, events: "Callable[[], list[dict[str, Any]]]", as_json: bool) -> None:
    """`events` is called while the server starts. Exits with 1 if a run failed or was cancelled, or if none began."""
    from apps.devserver.faults import CannotStart
    from apps.devserver.output import Log
    from apps.devserver.throwaway import run_function

    log = Log(sys.stderr if as_json else sys.stdout)
    try:
        results = run_function(here, lambda: [_job(event) for event in events()], log)
    except CannotStart as fault:
        raise Problem(str(fault)) from None
    outcomes = [_outcome(result) for result in results]
    if as_json:
        _print_results(results)
    if len(results) > 1:
        counted = {name: outcomes.count(name) for name in dict.fromkeys(outcomes)}
        note(f"{len(results)} events: {', '.join(f'{number} {name}' for name, number in counted.items())}")
    for result, outcome in zip(results, outcomes, strict=True):
        if outcome == _NOT_STARTED and (len(results) == 1 or set(outcomes) == {_NOT_STARTED}):
            raise Problem(f"nothing was run: {result.reason}")
    if not set(outcomes) <= {"Completed", _NOT_STARTED}:
        raise typer.Exit(1)


_NOT_STARTED = "not started"


def _outcome(result: "Result") -> str:
    from apps.cli.json_text import decode

    found = decode(bytes(result.run))
    return _NOT_STARTED if found is None else str(found["status"])


def _print_results(results: "list[Result]") -> None:
    """The run as the REST API has it, or a list of them where there are several events."""
    import msgspec

    runs = [{"run": one.run, "reason": one.reason} if one.reason else one.run for one in results]
    print_json(msgspec.json.encode(runs[0] if len(runs) == 1 else runs))


def _job(event: dict[str, Any]) -> "Job":
    import msgspec

    from apps.cli.json_text import encode
    from apps.cli.run_choice import TIMER
    from apps.devserver.jobs import Job

    def raw(field: str) -> msgspec.Raw:
        value = event.get(field)
        return value if isinstance(value, msgspec.Raw) else msgspec.Raw(encode(value or {}, indent=0).encode())

    own_id, ts, version = event.get("id"), event.get("ts"), event.get("v")
    return Job(
        name=event["name"],
        data=raw("data"),
        user=raw("user"),
        id=own_id if isinstance(own_id, str) else None,
        ts=ts if isinstance(ts, int) else None,
        v=version if isinstance(version, str) else None,
        by_cron=event["name"] == TIMER,
    )
