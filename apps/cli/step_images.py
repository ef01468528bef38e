"""The images that a function's docker steps run in, as far as these are built from the steps' folders."""

from typing import NamedTuple

from apps.datastore.definition.checking import Checked
from drivers.contract import Bundle


class StepImage(NamedTuple):
    label: str
    """What a person calls it: the function's id, and the step's if there are others."""
    bundle: Bundle
    """With the files below the step's folder, which is all that its image is made from."""
    dockerfile: str
    """Seen from the step's folder."""


def step_images(checked: Checked) -> list[StepImage]:
    """In the order of the steps. The files are those that a worker gets: its image has the same name."""
    definition = checked.definition
    found = []
    for step in definition.steps.values():
        if step.runtime.type != "docker" or "dockerfile" not in step.runtime.options:
            continue
        folder = f"{step.path}/" if step.path else ""
        files = {path: content for path, content in checked.files.items() if path.startswith(folder)}
        label = definition.id if len(definition.steps) == 1 else f"{definition.id}/{step.id}"
        bundle = Bundle(key=label, files=files, root=step.path)
        found.append(StepImage(label, bundle, str(step.runtime.options["dockerfile"])))
    return found
