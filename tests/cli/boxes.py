"""Functions whose steps are containers, as a person has them in a shop, and a server that says where images go."""

import hashlib
import json
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from apps.cli.packing import pack
from apps.cli.step_images import StepImage
from drivers.docker_images import image_name
from tests.cli.servers import Asked, Reply, Scripted, answering, as_json
from tests.cli.shops import Shop

OUTCOME: dict[str, Any] = {"deploy": None, "base": 7, "dry_run": False, "functions": []}


def write_box(shop: Shop, name: str, base: str, *lines: str, steps: tuple[str, ...] = ("only",)) -> Path:
    """A function whose steps share one folder, in which the Dockerfile's lines follow a FROM. Its image is new."""
    step: dict[str, Any] = {"path": "file://./box", "runtime": {"type": "docker", "memory": "32MB"}}
    all_steps = {one: {"id": one, **step} for one in steps}
    folder = shop.write(name, steps=all_steps, triggers=[{"event": shop.id_of(name)}])
    (folder / "box").mkdir(exist_ok=True)
    command = ["/bin/sh", "-c", f"echo 5 # {uuid.uuid4()}"]
    dockerfile = "\n".join([f"FROM {base}", *lines, f"CMD {json.dumps(command)}", ""])
    (folder / "box" / "Dockerfile").write_text(dockerfile)
    return folder


def images_of(shop: Shop) -> list[StepImage]:
    return pack(shop.folder, BytesIO(), lambda done, total: None).images


def names_of(shop: Shop, registry: str = "") -> list[str]:
    """Of the images, each once."""
    return list({image_name(one.bundle, one.dockerfile, registry): None for one in images_of(shop)})


def is_there(engine: Any, name: str) -> bool:
    return bool(engine.images(name))


def empty_image(name: str, architecture: str, labels: Mapping[str, str]) -> bytes:
    """As `docker save` writes one, with a layer that holds nothing."""
    layer = BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    digest = f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    parts = {
        "layer.tar": layer.getvalue(),
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    saved = BytesIO()
    with tarfile.open(fileobj=saved, mode="w") as tar:
        for path, content in parts.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return saved.getvalue()


@contextmanager
def telling(shop: Shop, registry: str = "", *, built_by_workers: bool = True) -> Iterator[Scripted]:
    """A server that takes every deploy."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/v1/images":
            return as_json({"data": {"registry": registry, "built_by_workers": built_by_workers}})
        return as_json({"data": OUTCOME})

    with answering(answer) as server:
        shop.env["INNGEST_API_URL"] = server.url
        yield server


def sent(server: Scripted) -> list[str]:
    return [asked.path for asked in server.asked if asked.method == "POST"]
