"""What an image is built from: a step's folder as the function's files hold it, and the name that these give it."""

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Iterator

from drivers.contract import Bundle
from drivers.docker_ignore import ignoring

REPOSITORY = "inngest-step"
_DIGITS = 32
_IGNORE = ".dockerignore"


def image_name(bundle: Bundle, dockerfile: str, registry: str = "") -> str:
    """The name of the image that this folder builds, made from what its files hold: equal folders have equal names.
    Raises ImageFault if its `.dockerignore` is none."""
    digest = hashlib.sha256()
    for path, mode, content in _files(bundle, dockerfile):
        digest.update(f"{path}\0{mode:o}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    digest.update(f"dockerfile\0{posixpath.normpath(dockerfile)}".encode())
    return f"{registry.rstrip('/')}{'/' if registry else ''}{REPOSITORY}:{digest.hexdigest()[:_DIGITS]}"


def has_dockerfile(bundle: Bundle, dockerfile: str) -> bool:
    return posixpath.join(bundle.root, posixpath.normpath(dockerfile)) in bundle.files


def build_context(bundle: Bundle, dockerfile: str) -> io.BytesIO:
    """A tar of the folder. The same files give the same bytes, so that the engine's build cache holds."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, mode, content in _files(bundle, dockerfile):
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = mode, len(content)
            tar.addfile(entry, io.BytesIO(content))
    made.seek(0)
    return made


def _files(bundle: Bundle, dockerfile: str) -> Iterator[tuple[str, int, bytes]]:
    """Path seen from the folder, mode and content of all that `.dockerignore` leaves, in order."""
    folder = f"{bundle.root}/" if bundle.root else ""
    below = {path.removeprefix(folder): path for path in bundle.files if path.startswith(folder)}
    ignored = ignoring(bundle.files[below[_IGNORE]]) if _IGNORE in below else None
    always = {posixpath.normpath(dockerfile), _IGNORE}  # the engine reads them, and then heeds what it ignores
    for path in sorted(below):
        if ignored is None or path in always or not ignored(path):
            content = bundle.files[below[path]]
            yield path, _mode(content), content


def _mode(content: bytes) -> int:
    # A deployed function keeps no modes: scripts and programs are told by how they begin.
    return 0o755 if content.startswith((b"#!", b"\x7fELF")) else 0o644
