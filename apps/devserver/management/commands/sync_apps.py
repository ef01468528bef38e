"""`python manage.py sync_apps --server URL`: keeps the apps that serve functions through an SDK in sync."""

import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from apps.devserver.app_addresses import PORTS, ports_in, written_out
from apps.devserver.discovering import Discovery
from apps.devserver.secrets_in_urls import without_secrets
from apps.devserver.syncing import Syncing

POLL_SECONDS = 5.0
_WAITING_SECONDS = 1.0
_HURRY_SECONDS = 60.0
"""How long after the start an app that was named is looked for every second: it is just being started too."""


class Command(BaseCommand):
    help = "Asks SDK apps to register their functions: those named, those found on this machine, those known."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--server", required=True, help="this server's address, as the apps know it")
        add_app_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        discovery = Discovery(options["ports"]) if options["discovery"] else None
        syncing = Syncing(options["server"], options["urls"], discovery)
        hurry_until = time.monotonic() + _HURRY_SECONDS
        while True:
            try:
                for line in syncing.round():
                    self.stdout.write(line)
            except (DatabaseError, InterfaceError) as error:
                self.stdout.write(without_secrets(f"not synced, the database is away: {error}"))
            finally:
                connection.close()
            pause = options["poll_interval"]
            hurried = syncing.waits() and time.monotonic() < hurry_until
            time.sleep(min(pause, _WAITING_SECONDS) if hurried else pause)


def add_app_arguments(parser: argparse.ArgumentParser) -> None:
    """What a person may say about apps, here and to `dev`."""
    parser.add_argument(
        "-u",
        "--url",
        type=_url,
        action="append",
        default=[],
        dest="urls",
        metavar="URL",
        help="an app to sync, such as http://localhost:3000/api/inngest; may be repeated",
    )
    parser.add_argument(
        "--no-discovery", action="store_false", dest="discovery", help="do not look for apps on this machine"
    )
    parser.add_argument(
        "--discovery-ports",
        type=_ports,
        default=PORTS,
        dest="ports",
        metavar="PORTS",
        help="where to look for apps, such as 3000-3010,8000 (default: the usual ones)",
    )
    parser.add_argument(
        "--poll-interval", type=_seconds, default=POLL_SECONDS, help="seconds between two syncs (default: 5)"
    )


def _url(text: str) -> str:
    try:
        return written_out(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(without_secrets(str(fault))) from None


def _ports(text: str) -> tuple[int, ...]:
    try:
        return ports_in(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of ports such as 3000-3010,8000") from None


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.1 <= number <= 86_400:
        raise argparse.ArgumentTypeError("not a number of seconds from 0.1 to a day")
    return number
