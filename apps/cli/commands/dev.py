"""`inngest dev`: the whole server on this machine, in one terminal."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli.problems import Problem

if TYPE_CHECKING:
    from apps.devserver.fleet import Apps, Workers

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with functions.", show_default="here")]
Urls = Annotated[
    list[str] | None,
    typer.Option("--url", "-u", help="An app to sync, as localhost:3000/api/inngest. Repeatable.", metavar="URL"),
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host", help="Address to listen on.", metavar="ADDRESS", show_default="127.0.0.1: this machine only"
    ),
]
Port = Annotated[
    int | None, typer.Option("--port", "-p", min=1, max=65535, help="Its port.", metavar="PORT", show_default="8288")
]
Data = Annotated[Path, typer.Option("--data", help="Folder for all that is kept.", metavar="DIR")]
NoDiscovery = Annotated[bool, typer.Option("--no-discovery", help="Do not look for apps on this machine.")]
Ports = Annotated[
    str | None,
    typer.Option(
        "--discovery-ports", help="Where to look, as 3000-3010,8000.", metavar="PORTS", show_default="the usual ones"
    ),
]
Interval = Annotated[
    float,
    typer.Option("--poll-interval", min=0.1, max=86_400, help="Seconds between syncs of an app.", metavar="SECONDS"),
]
Events = Annotated[int, typer.Option("--event-workers", min=1, help="Processes for events and chores.", metavar="N")]
Steps = Annotated[int, typer.Option("--step-workers", min=1, help="Processes for steps that wait.", metavar="N")]
Cpu = Annotated[int, typer.Option("--cpu-workers", min=1, help="Processes for steps that compute.", metavar="N")]


def dev(
    folder: Folder = Path(),
    *,
    url: Urls = None,
    host: Host = None,
    port: Port = None,
    data: Data = Path(".inngest"),
    no_discovery: NoDiscovery = False,
    discovery_ports: Ports = None,
    poll_interval: Interval = 5.0,
    event_workers: Events = 1,
    step_workers: Steps = 2,
    cpu_workers: Cpu = 1,
) -> None:
    """Run the server here, with the functions of a folder and the apps of this machine."""
    import apps.devserver.local_time  # noqa: F401 - finds the person's time zone before the settings set another

    settings = _settings()  # first: what is imported below reads the environment, too
    from apps.devserver.faults import CannotStart
    from apps.devserver.running import Options, run

    options = Options(
        functions=folder,
        host=settings["INNGEST_DEV_HOST"] if host is None else host,
        port=settings["INNGEST_DEV_PORT"] if port is None else port,
        data=data,
        workers=_workers(event_workers, step_workers, cpu_workers),
        apps=_apps(url or [], discovery_ports, poll_interval, discovery=not no_discovery),
        lines_max=settings["DEV_LINES_MAX"],
    )
    try:
        run(options)
    except CannotStart as fault:
        raise Problem(str(fault)) from None


def _settings() -> dict[str, Any]:
    """The server's settings, as its environment gives them to the processes that are started."""
    from django.core.exceptions import ImproperlyConfigured

    os.environ["INNGEST_DEV"] = "1"
    try:
        from inngest_server.environment import read_environment

        return read_environment()
    except ImproperlyConfigured as fault:
        raise Problem(str(fault)) from None


def _workers(events: int, steps: int, cpu: int) -> "list[Workers]":
    """As many processes as were asked for, otherwise as the dev server has them by itself."""
    from dataclasses import replace

    from apps.devserver.running import WORKERS_BY_DEFAULT

    asked = {"events": events, "steps": steps, "cpu": cpu}
    return [replace(one, processes=asked[one.name]) for one in WORKERS_BY_DEFAULT]


def _apps(urls: list[str], ports: str | None, poll_interval: float, *, discovery: bool) -> "Apps":
    from apps.devserver.app_addresses import PORTS, ports_in, written_out
    from apps.devserver.fleet import Apps

    try:
        named = tuple(written_out(url) for url in urls)
    except ValueError as fault:
        raise Problem(str(fault)) from None
    try:
        looked_at = PORTS if ports is None else ports_in(ports)
    except ValueError:
        raise Problem(f"{ports!r} is not a list of ports", "such as --discovery-ports 3000-3010,8000") from None
    return Apps(urls=named, ports=looked_at if discovery else (), poll_interval=poll_interval)
