"""Functions of a folder on disk become the live ones of the dev environment."""

from pathlib import Path
from typing import NamedTuple

from apps.datastore.definition import InvalidDefinition, find_functions, parse, read_folder
from apps.datastore.deploying import deploy, take_down
from apps.datastore.models import Environment, Function


class Loaded(NamedTuple):
    """What became of the functions of a folder. Every text is a line for a person."""

    live: list[str]
    changed: list[str]
    removed: list[str]
    faults: list[str]

    def lines(self, loaded: list[str]) -> list[str]:
        """What to tell a person: those of `live` or `changed`, what was taken down, and the faults."""
        return [
            *(f"loaded {name}" for name in loaded),
            *(f"took {slug} down: no folder declares it any more" for slug in self.removed),
            *(f"not loaded: {fault}" for fault in self.faults),
        ]


def load_folder(root: Path) -> Loaded:
    """Make every function below `root` live, and no other one. A faulty one keeps the version that is live."""
    environment = Environment.objects.get(slug="dev")
    loaded = Loaded([], [], [], [])
    slugs: dict[str, Path] = {}
    faulty = False
    for folder in find_functions(root):
        try:
            content = read_folder(folder)
            definition = parse(content.document, content.files)
        except InvalidDefinition as invalid:
            faulty = True
            loaded.faults.extend(f"{folder}: {fault.path}: {fault.message}" for fault in invalid.faults)
            continue
        if definition.id in slugs:
            loaded.faults.append(f"{folder}: $.id: {definition.id!r} is taken by {slugs[definition.id]}")
            continue
        slugs[definition.id] = folder
        try:
            deployed = deploy(environment, definition, content.files, str(folder.resolve()))
        except InvalidDefinition as invalid:  # its id is an app's
            loaded.faults.extend(f"{folder}: {fault.path}: {fault.message}" for fault in invalid.faults)
            continue
        loaded.live.append(f"{definition.id} v{deployed.version.number}")
        if deployed.changed:
            loaded.changed.append(f"{definition.id} v{deployed.version.number}")
    # Which function a folder that cannot be read holds is not known: with one about, nothing is taken down.
    if not faulty:
        # What an app has registered is for the app to take back.
        declared = Function.objects.filter(environment=environment, app=None)
        gone = declared.filter(live_version__isnull=False).exclude(slug__in=slugs)
        loaded.removed.extend(function.slug for function in gone if take_down(environment, function.slug))
    return loaded
