"""Functions of a folder on disk become the live ones of the dev environment."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from django.conf import settings

from apps.datastore.definition import (
    Checked,
    Fault,
    FolderLimits,
    InvalidDefinition,
    check_files,
    find_functions,
    placed,
    read_files,
)
from apps.datastore.deploying import Content, deploy
from apps.datastore.deploys import By
from apps.datastore.models import Environment, Function

BY = By("load", "dev server")


class Loaded(NamedTuple):
    """What became of the functions of a folder. Every text is a line for a person."""

    live: list[str]
    """Those that are right, each with its version."""
    changed: list[str]
    """Those of them that are live in another version than before, or were wrong when they were last looked at."""
    removed: list[str]
    faults: list[str]
    news: list[str]
    """Those faults that were not there when the same files were last looked at."""
    gone: list[str]
    """Folders whose function was wrong, and that hold none any more."""

    def whole(self) -> list[str]:
        """All of it, to tell at the start."""
        return self._lines(self.live, self.faults)

    def changes(self) -> list[str]:
        """What is not as it was at the last look."""
        return self._lines(self.changed, self.news)

    def _lines(self, loaded: list[str], faults: list[str]) -> list[str]:
        return [
            *(f"loaded {name}" for name in loaded),
            *(f"took {slug} down: no folder declares it any more" for slug in self.removed),
            *(f"gone: {folder}, which could not be loaded" for folder in self.gone),
            *(f"not loaded: {fault}" for fault in faults),
        ]


class _Wrong(NamedTuple):
    """A folder whose function cannot be loaded, and the files that it was seen with."""

    digest: str
    faults: list[Fault]


class Loader:
    """Loads one folder again and again, and knows what it has found wrong with it before."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._wrong: dict[Path, _Wrong] = {}
        self._root_is_missing = False

    def load(self) -> Loaded:
        """Make every function below the folder live, and none other that was loaded, in one deploy.

        One that is wrong keeps the version that is live. With the folder itself away, all stays as it is.
        """
        if not self._root.is_dir():
            missing = [f"there is no folder {self._root}"]
            news, self._root_is_missing = [] if self._root_is_missing else missing, True
            return Loaded([], [], [], missing, news, [])
        is_back, self._root_is_missing = self._root_is_missing, False
        right, wrong, vanished = _check(self._root)
        versions, removed, refused = _deploy(right, wrong, take_down=not vanished)
        wrong |= refused
        before, self._wrong = self._wrong, wrong
        live = {path: version for path, version in versions.items() if path not in wrong}
        known = {*right, *wrong}

        def is_news(path: Path, found: _Wrong) -> bool:
            return is_back or before.get(path) != found

        return Loaded(
            [version.name for version in live.values()],
            [version.name for path, version in live.items() if is_back or version.is_new or path in before],
            list(removed),
            [str(fault) for found in wrong.values() for fault in found.faults],
            [str(fault) for path, found in wrong.items() if is_news(path, found) for fault in found.faults],
            [_shown(path) for path in before if path not in known and str(path.resolve()) not in removed.values()],
        )


class _Live(NamedTuple):
    name: str
    is_new: bool


class _Right(NamedTuple):
    checked: Checked
    files: Mapping[str, bytes]


def load_folder(root: Path) -> Loaded:
    """Load it once."""
    return Loader(root).load()


def _check(root: Path) -> tuple[dict[Path, _Right], dict[Path, _Wrong], bool]:
    """The functions that are right, those that are wrong, and whether one went while it was looked at."""
    limits = FolderLimits(settings.FUNCTION_MAX_FILES, settings.FUNCTION_MAX_BYTES)
    right: dict[Path, _Right] = {}
    wrong: dict[Path, _Wrong] = {}
    ids: dict[str, Path] = {}
    vanished = False
    for folder in find_functions(root):
        files: dict[str, bytes] = {}
        try:
            files = read_files(folder, limits)
            checked = check_files(files, limits)
        except InvalidDefinition as invalid:
            if find_functions(folder)[:1] == [folder]:
                wrong[folder] = _Wrong(_digest(files), _of(folder, invalid.faults))
            else:
                vanished = True
            continue
        taken_by = ids.setdefault(checked.definition.id, folder)
        right[folder] = _Right(checked, files)
        if taken_by != folder:
            problem = f"{checked.definition.id!r} is taken by {_shown(taken_by)}"
            wrong[folder] = _refused(folder, right.pop(folder), [Fault("$.id", problem)])
    return right, wrong, vanished


def _deploy(
    right: Mapping[Path, _Right], wrong: Mapping[Path, _Wrong], take_down: bool
) -> tuple[dict[Path, _Live], dict[str, str], dict[Path, _Wrong]]:
    """What is live now, the ids that were taken down with the folders that had them, and which functions the
    environment does not take."""
    environment = Environment.objects.get(slug="dev")
    refused: dict[Path, _Wrong] = {}
    while True:
        wanted = {folder: one for folder, one in right.items() if folder not in refused}
        gone = _gone(environment, wanted.values(), [*wrong, *refused]) if take_down else {}
        contents = [
            Content(one.checked.definition, one.checked.files, str(folder.resolve())) for folder, one in wanted.items()
        ]
        try:
            deployed = deploy(environment, contents, BY, archive=gone)
        except InvalidDefinition as invalid:
            faults: dict[str, list[Fault]] = {}
            for fault in invalid.faults:
                faults.setdefault(fault.function, []).append(fault)
            news = {
                folder: _refused(folder, one, faults[one.checked.definition.id])
                for folder, one in wanted.items()
                if one.checked.definition.id in faults
            }
            if not news:
                raise
            refused |= news
            continue
        versions = {
            folder: _Live(f"{change.function_id} v{change.version}", change.was != change.version)
            for folder, change in zip(wanted, deployed.changes, strict=True)
        }
        return versions, gone, refused


def _gone(environment: Environment, right: Iterable[_Right], wrong: Iterable[Path]) -> dict[str, str]:
    """The ids that no folder declares any more, each with the folder that did. What an app has registered, and what was
    deployed over the REST API, came from no folder and stays."""
    declared = Function.objects.filter(environment=environment, app=None, live_version__isnull=False)
    loaded = declared.exclude(live_version__folder="")
    folders = dict(loaded.order_by("slug").values_list("slug", "live_version__folder"))
    broken = {str(folder.resolve()) for folder in wrong}
    # Which function a folder that cannot be read holds is only known if one was loaded from it before.
    if not broken.issubset(folders.values()):
        return {}
    kept = {one.checked.definition.id for one in right}
    return {slug: folder for slug, folder in folders.items() if slug not in kept and folder not in broken}


def _refused(folder: Path, one: _Right, faults: Iterable[Fault]) -> _Wrong:
    """A function that is right in itself."""
    own = [msgspec.structs.replace(fault, function="") for fault in faults]
    return _Wrong(_digest(one.files), _of(folder, placed(own, one.files)))


def _of(folder: Path, faults: Iterable[Fault]) -> list[Fault]:
    return [msgspec.structs.replace(fault, function=_shown(folder)) for fault in faults]


def _shown(folder: Path) -> str:
    """As a terminal that was opened in the working directory, or an editor, finds it."""
    whole = folder.absolute()
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was taken away under us
        return whole.as_posix()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def _digest(files: Mapping[str, bytes]) -> str:
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return found.hexdigest()
