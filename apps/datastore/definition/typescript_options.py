"""The options of the typescript runtime: where its script begins, and which hosts it may reach."""

from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.option_values import Options, check_hosts
from apps.datastore.definition.places import StepFolder, named_file
from apps.datastore.definition.values import check_object

SCRIPT_ENDINGS = (".ts", ".mts", ".js", ".mjs")
DEFAULT_SCRIPTS = ("index.ts", "index.js")


def typescript_options(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder) -> Options | None:
    """With `entrypoint`, seen from the step's folder."""
    check_object(found, path, log, ("type", "entrypoint", "hosts"))
    hosts = check_hosts(found["hosts"], at(path, "hosts"), log) if "hosts" in found else None
    entrypoint = _entrypoint(found, path, log, folder)
    if entrypoint is None:
        return None
    options: Options = {"entrypoint": entrypoint}
    if hosts:
        options["hosts"] = hosts
    return options


def _entrypoint(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder) -> str | None:
    if "entrypoint" in found:
        return named_file(found["entrypoint"], at(path, "entrypoint"), log, folder, SCRIPT_ENDINGS)
    if folder.path is None:
        return None
    for name in DEFAULT_SCRIPTS:
        if f"{folder.path}/{name}".lstrip("/") in folder.files:
            return name
    log.add(path, f"there is no {' or '.join(DEFAULT_SCRIPTS)} in {folder}")
    return None
