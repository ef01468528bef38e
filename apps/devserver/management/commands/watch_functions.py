"""`python manage.py watch_functions FOLDER`: loads a folder's functions again whenever a file of theirs changes."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from apps.devserver.loading import Loader
from apps.devserver.watching import changes


class Command(BaseCommand):
    help = "Loads a folder's functions again whenever a file of theirs changes."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("functions", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        loader = Loader(options["functions"])
        for number, _ in enumerate(changes(options["functions"])):
            # What is wrong at the start has been told by then; what has changed meanwhile has not.
            self._load(loader, at_start=number == 0)

    def _load(self, loader: Loader, at_start: bool = False) -> None:
        try:
            loaded = loader.load()
            for line in (loaded._replace(news=[]) if at_start else loaded).changes():
                self.stdout.write(line)
        except (DatabaseError, InterfaceError) as error:
            self.stdout.write(f"not loaded, the database is away: {error}")
        finally:
            connection.close()
