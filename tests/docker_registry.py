"""A real registry of images on loopback, with a password. Engines speak plain HTTP with what is there."""

import base64
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.waiting import wait_for

PROGRAM = "docker-registry"
USER, PASSWORD = "mara", "secret"
_HASHED = "$2b$05$9h.AX7eGA56Zg0N7suNd9.CfvVeCOnZdx4E500yyVFR/CN0vJTxe6"


class Registry(NamedTuple):
    name: str
    """As DOCKER_REGISTRY has it."""

    def log_in(self, folder: Path) -> dict[str, str]:
        """What `docker login` leaves, kept in the folder, and the variable that says so."""
        host = self.name.partition("/")[0]
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        return {"DOCKER_CONFIG": str(folder)}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving_images(folder: Path) -> Iterator[Registry]:
    port = free_port()
    (folder / "users").write_text(f"{USER}:{_HASHED}\n")
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n"
        f"auth: {{htpasswd: {{realm: tests, path: {folder}/users}}}}\n"
    )
    command = [PROGRAM, "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: b"listening on" in (folder / "log").read_bytes(), "the registry listens")
        yield Registry(f"127.0.0.1:{port}/team")
    finally:
        process.kill()
        process.wait()
