"""`python manage.py dev_prepare FOLDER`: what `dev` does between starting PostgreSQL and starting the fleet."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from apps.devserver.loading import load_folder


class Command(BaseCommand):
    help = "Brings the database up to date and loads a folder's functions."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("functions", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        loaded = load_folder(options["functions"])
        for line in loaded.whole():
            self.stdout.write(line)
