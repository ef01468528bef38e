"""The environment variables of steps: the secrets of their environment and, in dev mode, the function's `.env`."""

from collections.abc import Collection, Mapping
from pathlib import Path

from apps.datastore.definition.types import Step
from apps.datastore.read_secrets import Secrets, secrets_of
from apps.datastore.versions import Version, load_version
from apps.executor.dotenv import read_dotenv
from apps.executor.finished import UNREADABLE
from drivers.registry import needs_files


def read_secrets(steps: Collection[tuple[int, int, str]]) -> dict[int, Secrets]:
    """The secrets of the environments of these steps, each given by its environment, its version and its id; only of
    those with steps that get variables."""
    environments = {environment for environment, version, step in steps if _has_variables(version, step)}
    return secrets_of(environments) if environments else {}


def variables_of(version: Version, step: Step, secrets: Secrets | None) -> Mapping[str, str]:
    """What the step gets, of what `read_secrets` has read. Raises sealing.CannotUnsealError."""
    if secrets is None or not needs_files(step.runtime.type):
        return {}
    values = secrets.readable()
    # What lies beside the function is at hand to be changed: on a developer's machine it wins.
    return {**values, **read_dotenv(Path(version.folder))} if version.folder else values


def _has_variables(version_id: int, step_id: str) -> bool:
    """Whether our drivers run the step's code: what runs elsewhere (http, SDKs) has an environment of its own."""
    try:
        step = load_version(version_id).definition.steps.get(step_id)
    except UNREADABLE:
        return False  # its items are told apart when they are loaded
    return step is not None and needs_files(step.runtime.type)
