"""Imports among a function's own files: which file an import names, and its source without types."""

import json
import posixpath
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

from drivers.contract import Bundle

_EXTENSIONS = (".ts", ".tsx", ".mts", ".js", ".mjs", ".jsx", ".json")
_WRITTEN_AS = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".jsx": (".tsx",)}
"""TypeScript wants an import of ``x.ts`` written as ``./x.js``."""

_KEPT_BUNDLES = 128


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


def resolve(files: Mapping[str, str], base: str, specifier: str) -> str:
    """The path that ``specifier`` names in the file ``base``. Raises ModuleFault."""
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
        self._lock = threading.Lock()
        self._bundles: OrderedDict[str, dict[str, str]] = OrderedDict()

    def javascript(self, bundle: Bundle, path: str, strip: Callable[[str, str], str]) -> str:
        """The source to run for the file at ``path``; ``strip(path, source)`` takes types away. Raises ModuleFault."""
        with self._lock:
            sources = self._bundles.setdefault(bundle.key, {})
            self._bundles.move_to_end(bundle.key)
            while len(self._bundles) > _KEPT_BUNDLES:
                self._bundles.popitem(last=False)
        source = sources.get(path)
        if source is None:
            source = sources[path] = _javascript(path, bundle.files[path], strip)
        return source


def _javascript(path: str, source: str, strip: Callable[[str, str], str]) -> str:
    if path.endswith(".json"):
        return f"export default JSON.parse({json.dumps(source)});"
    if path.endswith((".ts", ".mts", ".cts", ".tsx")):
        return strip(path, source)
    return source
