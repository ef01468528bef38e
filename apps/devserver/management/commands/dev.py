"""`python manage.py dev`: the whole server on this machine, in one terminal."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.devserver.faults import CannotStart
from apps.devserver.fleet import Apps, Workers
from apps.devserver.management.commands.sync_apps import add_app_arguments
from apps.devserver.running import EXAMPLES, Options, run


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("not a whole number above 0")
    return number


class Command(BaseCommand):
    help = "Runs everything on this machine: web server, workers, beat and, unless given, PostgreSQL and Valkey."
    requires_system_checks = []  # they would ask for a database, which is not there yet

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("dir", nargs="?", type=Path, help="folder with functions (default: examples)")
        parser.add_argument("--functions", type=Path, help="the same, and wins")
        parser.add_argument(
            "--host",
            default=settings.INNGEST_DEV_HOST,
            help="address to listen on (INNGEST_DEV_HOST; default: 127.0.0.1, which only this machine reaches)",
        )
        parser.add_argument(
            "--port",
            type=_count,
            default=settings.INNGEST_DEV_PORT,
            help="port of the web server (INNGEST_DEV_PORT; default: 8288)",
        )
        parser.add_argument(
            "--app-port",
            type=_count,
            default=8290,
            help="port of the example app (default: 8290, which examples/notify calls)",
        )
        parser.add_argument("--data", type=Path, default=Path(".inngest"), help="data folder (default: .inngest)")
        add_app_arguments(parser)
        parser.add_argument("--event-workers", type=_count, default=1, help="processes for events and chores")
        parser.add_argument("--step-workers", type=_count, default=2, help="processes for steps that wait on I/O")
        parser.add_argument("--cpu-workers", type=_count, default=1, help="processes for steps that compute")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(
                Options(
                    functions=options["functions"] or options["dir"] or EXAMPLES,
                    host=options["host"],
                    port=options["port"],
                    app_port=options["app_port"],
                    data=options["data"],
                    workers=(
                        Workers("events", "events,chores", options["event_workers"], threads=4),
                        Workers("steps", "steps,steps.docker", options["step_workers"], threads=3),
                        Workers("cpu", "steps.cpu", options["cpu_workers"], threads=2),
                    ),
                    apps=Apps(
                        urls=options["urls"],
                        ports=options["ports"] if options["discovery"] else (),
                        poll_interval=options["poll_interval"],
                    ),
                    lines_max=settings.DEV_LINES_MAX,
                )
            )
        except CannotStart as error:
            self.stderr.write(str(error))
            raise SystemExit(1) from None
