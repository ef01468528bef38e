"""Archives for tests, honest ones and others, and functions to put in them."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Files = Mapping[str, bytes | str]


def definition(slug: str = "welcome", **fields: Any) -> dict[str, Any]:
    """Of a function that calls a URL."""
    step = {"id": "call", "runtime": {"type": "http", "url": "http://127.0.0.1:9/never-called"}}
    return {
        "id": slug,
        "name": slug.title(),
        "triggers": [{"event": f"{slug}/wanted"}],
        "steps": {"call": step},
    } | fields


def function(slug: str = "welcome", files: Files | None = None, **fields: Any) -> dict[str, bytes | str]:
    """The files of its folder, which has its id for a name."""
    own = {f"{slug}/{path}": content for path, content in (files or {}).items()}
    return {f"{slug}/inngest.json": json.dumps(definition(slug, **fields), indent=2), **own}


def tar(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for path, content in files.items():
            data = _bytes(content)
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_of(*infos: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Of entries made by hand; the content is taken as it is, whatever the entry says of it."""
    parts = []
    for one in infos:
        info, data = one if isinstance(one, tuple) else (one, b"")
        parts += [info.tobuf(tarfile.GNU_FORMAT), data, b"\0" * (-len(data) % 512)]
    return b"".join(parts) + b"\0" * 1024


def entry(path: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type = kind
    for name, value in fields.items():
        setattr(info, name, value)
    return info


def tar_gz(files: Files) -> bytes:
    return gzip.compress(tar(files), mtime=0)


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), _bytes(content), method)
    return buffer.getvalue()


def zip_of(*infos: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info, data in infos:
            archive.writestr(info, data)
    return buffer.getvalue()


PACKERS: Mapping[str, Callable[[Files], bytes]] = {
    "application/x-tar": tar,
    "application/gzip": tar_gz,
    "application/zip": zipped,
}


def json_deploy(*functions: Mapping[str, Any]) -> bytes:
    return json.dumps({"functions": functions}).encode()


def together(functions: Sequence[Mapping[str, bytes | str]]) -> dict[str, bytes | str]:
    return {path: content for files in functions for path, content in files.items()}


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content
