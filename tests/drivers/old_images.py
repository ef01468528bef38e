"""Images that were built long ago, for those who remove them."""

import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Mapping
from typing import Any

from drivers.docker_images import LABEL
from tests.docker_engine import OWNER

CREATED = "2001-02-03T04:05:06Z"


def load_old_image(engine: Any, repository: str = "inngest-step", labels: Mapping[str, str] = LABEL) -> str:
    """Its name, which nothing else has. What is left of it is removed at the session's end."""
    name = f"{repository}:{uuid.uuid4().hex}"
    list(engine.load_image(archive(name, labels)))
    return name


def archive(name: str, labels: Mapping[str, str]) -> bytes:
    """An image, as `docker save` writes one, of long ago."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(uuid.uuid4().hex))
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"]}
    config = {"Cmd": ["/x"], "Labels": {"inngest.tests": OWNER, **labels}}
    image = {"architecture": "amd64", "os": "linux", "created": CREATED, "config": config, "rootfs": rootfs}
    manifest = [{"Config": "image.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {"layer.tar": layer.getvalue(), "image.json": dumped(image), "manifest.json": dumped(manifest)}
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()
