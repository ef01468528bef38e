"""The PostgreSQL and the Valkey that the tests run on: the real ones, private to the test session."""

import os
import shutil
import tempfile
from pathlib import Path

from apps.devserver.postgres import Postgres
from apps.devserver.valkey import Valkey


class SessionServices:
    """Starts what the environment does not name with DATABASE_URL and BROKER_URL, and names it there."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._running: list[Postgres | Valkey] = []

    def start(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "inngest_server.settings"
        os.environ.setdefault("INNGEST_DEV", "1")
        self._folder = Path(tempfile.mkdtemp(prefix="inngest-tests-"))
        if "BROKER_URL" not in os.environ:
            valkey = Valkey(self._folder / "valkey")
            self._running.append(valkey)
            valkey.start()
            os.environ["BROKER_URL"] = valkey.url
        if "DATABASE_URL" not in os.environ:
            postgres = Postgres(self._folder / "postgres")
            self._running.append(postgres)
            postgres.start()
            os.environ["DATABASE_URL"] = postgres.url

    def stop(self) -> None:
        for service in reversed(self._running):
            service.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
