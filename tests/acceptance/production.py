"""A server in production mode, with an environment `shop`, a key for its events and a token for its deploys."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.acceptance.server import Server

_PREPARE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
call_command("keys", "create-environment", "shop")
call_command("keys", "create-event-key", "shop", "website")
call_command("keys", "create-api-token", "shop", "ci", scope="deploy")
"""


class ProductionServer(Server):
    """The tests of a module share it: nothing is emptied between them. It may call this machine's own addresses.

    `settings` come on top of that.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        production = {"INNGEST_DEV": "0", "SECRET_KEY": "of the tests", "PRIVATE_NETWORKS": "127.0.0.0/8"}
        super().__init__({**production, **(settings or {})})

    def prepare(self) -> None:
        command = [sys.executable, "-c", _PREPARE]
        said = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True)
        *_, self.event_key, self.token = said.stdout.split()

    def reset(self) -> None:
        """Nothing: what one test has done is not another's."""

    def ask(self, path: str) -> Any:
        """What the REST API has there."""
        status, answer = self.call("GET", path)
        assert status == 200, answer
        return answer["data"]
