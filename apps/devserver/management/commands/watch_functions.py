"""`python manage.py watch_functions FOLDER`: loads a folder's functions again whenever a file of theirs changes."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from apps.devserver.loading import load_folder
from apps.devserver.watching import changes


class Command(BaseCommand):
    help = "Loads a folder's functions again whenever a file of theirs changes."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("functions", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        for _ in changes(options["functions"]):
            try:
                self._load(options["functions"])
            except (DatabaseError, InterfaceError) as error:
                self.stdout.write(f"not loaded, the database is away: {error}")
            finally:
                connection.close()

    def _load(self, functions: Path) -> None:
        loaded = load_folder(functions)
        for line in loaded.lines(loaded.changed):
            self.stdout.write(line)
