"""Imports among a function's own files: which file an import names, and its source without types."""

import json
import posixpath
import sys
from collections.abc import Callable, Collection

from drivers.contract import MIB, Bundle
from drivers.weighted_cache import WeightedCache

_EXTENSIONS = (".ts", ".tsx", ".mts", ".js", ".mjs", ".jsx", ".json")
_WRITTEN_AS = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".jsx": (".tsx",)}
"""TypeScript wants an import of ``x.ts`` written as ``./x.js``."""

KEPT_BYTES = 64 * MIB
"""JavaScript that a process keeps."""


class ModuleFault(Exception):
    """An import or a source that cannot be used, said in words for its author."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def entry_of(bundle: Bundle, entrypoint: str | None) -> str:
    """The path of the step's entrypoint in the bundle. Raises ModuleFault."""
    names = (entrypoint,) if entrypoint else ("index.ts", "index.js", "index.tsx", "index.mts", "index.mjs")
    for name in names:
        path = _join(bundle.root, name, f"the entrypoint {name!r}")
        if path in bundle.files:
            return path
    where = bundle.root or "the function's folder"
    raise ModuleFault("ModuleNotFound", f"there is no {' or '.join(names[:2])} in {where}")


def resolve(files: Collection[str], base: str, specifier: str) -> str:
    """The path, among ``files``, that ``specifier`` names in the file ``base``. Raises ModuleFault."""
    if not specifier.startswith(("./", "../")) and specifier not in (".", ".."):
        raise ModuleFault(
            "ModuleNotFound",
            f"cannot import {specifier!r} in {base}: a function imports its own files only, by a path that begins "
            "with ./ or ../; packages must be bundled into them",
        )
    path = _join(posixpath.dirname(base), specifier, f"the import {specifier!r} in {base}")
    for candidate in _candidates(path):
        if candidate in files:
            return candidate
    raise ModuleFault("ModuleNotFound", f"cannot find {specifier!r}, imported in {base}")


def _join(folder: str, name: str, what: str) -> str:
    path = posixpath.normpath(posixpath.join(folder, name))
    if path.startswith(("../", "/")) or path == "..":
        raise ModuleFault("ModuleOutsideFunction", f"{what} leads out of the function's folder")
    return path


def _candidates(path: str) -> list[str]:
    stem, extension = posixpath.splitext(path)
    found = [path]
    found += [stem + written for written in _WRITTEN_AS.get(extension, ())]
    found += [path + extension for extension in _EXTENSIONS]
    found += [posixpath.normpath(posixpath.join(path, "index" + extension)) for extension in _EXTENSIONS]
    return found


class Sources:
    """JavaScript of bundles' files, made from TypeScript and JSON once a process. For every thread."""

    def __init__(self) -> None:
        self._kept = WeightedCache[tuple[str, str], str](lambda: KEPT_BYTES)

    def javascript(self, bundle: Bundle, path: str, strip: Callable[[str, str], str]) -> str:
        """The source to run for the file at ``path``; ``strip(path, source)`` takes types away. Raises ModuleFault."""
        key = (bundle.key, path)
        source = self._kept.get(key)
        if source is None:
            source = _javascript(path, source_text(path, bundle.files[path]), strip)
            self._kept.put(key, source, sys.getsizeof(source))
        return source


def source_text(path: str, content: bytes) -> str:
    """The source that the file at ``path`` holds, in UTF-8, without a byte order mark. Raises ModuleFault."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        before = fault.object[: fault.start]  # without the mark, if there was one
        raise ModuleFault(
            "SyntaxError",
            f"{path} cannot be imported: it is no text in UTF-8 (byte 0x{fault.object[fault.start]:02x} in line "
            f"{before.count(10) + 1})",
        ) from None


def _javascript(path: str, source: str, strip: Callable[[str, str], str]) -> str:
    if path.endswith(".json"):
        return f"export default JSON.parse({json.dumps(source)});"
    if path.endswith((".ts", ".mts", ".cts", ".tsx")):
        return strip(path, source)
    return source
