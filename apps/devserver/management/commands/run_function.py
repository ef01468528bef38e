"""`python manage.py run_function FOLDER WORK`: the engine's side of `inngest run`, which starts it."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.devserver.one_function import run_events


class Command(BaseCommand):
    help = "Runs one function in a process of its own, for `inngest run`."
    requires_system_checks = []  # they take a while, and are of no use here

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("work", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        code = 0
        try:
            run_events(options["folder"], options["work"])
        except SystemExit as end:
            code = int(end.code or 0)
        sys.stdout.flush()
        os._exit(code)  # threads of Celery's and of drivers would be waited for
