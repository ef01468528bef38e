"""The options of the wasm runtime: which module of the step's folder."""

from collections.abc import Collection

from apps.datastore.definition.faults import FaultLog, at, shown
from apps.datastore.definition.option_values import Options
from apps.datastore.definition.places import StepFolder, named_file
from apps.datastore.definition.values import MAX_TEXT, check_object, check_text

ENDING = ".wasm"
MAX_NAMED = 5


def modules_in(folder: str, files: Collection[str]) -> list[str]:
    """The bare names of the modules that lie in a step's folder itself."""
    prefix = f"{folder}/" if folder else ""
    names = (file.removeprefix(prefix) for file in files if file.startswith(prefix) and file.endswith(ENDING))
    return sorted(name for name in names if "/" not in name)


def wasm_options(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder) -> Options | None:
    """With `module`, seen from the step's folder."""
    check_object(found, path, log, ("type", "module", "build"))
    build = None
    if "build" in found:
        build = check_text(found["build"], at(path, "build"), log, MAX_TEXT, one_line=True)
    hint = f"; this makes it: {build}" if build else ""
    module = _module(found, path, log, folder, hint)
    if module is None:
        return None
    options: Options = {"module": module}
    if build:
        options["build"] = build
    return options


def _module(found: dict[str, object], path: str, log: FaultLog, folder: StepFolder, hint: str) -> str | None:
    if "module" in found:
        return named_file(found["module"], at(path, "module"), log, folder, (ENDING,), hint=hint)
    if folder.path is None:
        return None
    modules = modules_in(folder.path, folder.files)
    if len(modules) == 1:
        return modules[0]
    if modules:
        more = f" and {len(modules) - MAX_NAMED} more" if len(modules) > MAX_NAMED else ""
        names = ", ".join(map(shown, modules[:MAX_NAMED]))
        log.add(path, f"must say which module it is: {folder} has {names}{more}")
    else:
        log.add(path, f"there is no *{ENDING} in {folder}{hint}")
    return None
