"""The options of runtimes that other packages bring, checked by what they say of them (`drivers.runtime.Option`)."""

from collections.abc import Mapping

from apps.datastore.definition.faults import FaultLog, at
from apps.datastore.definition.option_values import Bounds, Options, check_number
from apps.datastore.definition.places import StepFolder, file_in
from apps.datastore.definition.values import (
    MAX_TEXT,
    check_flag,
    check_list,
    check_object,
    check_text,
    check_whole_number,
)
from drivers.runtime import Option, OptionValue

MAX_LIST = 1_000
MAX_WHOLE = 2**53
NUMBERS = Bounds(-1e300, 1e300, "from -1e300 to 1e300")


def plugin_options(
    described: Mapping[str, Option],
    found: dict[str, object],
    path: str,
    log: FaultLog,
    folder: StepFolder,
) -> Options | None:
    check_object(found, path, log, ("type", *described))
    options: Options = {}
    for name, option in described.items():
        value = option.default
        if name in found:
            value = _checked(found[name], at(path, name), log, option)
        elif option.required:
            log.add(at(path, name), "is missing")
        if option.is_file and isinstance(value, str):
            value = file_in(folder, value, at(path, name), log)
        if value is not None:
            options[name] = value
    return options


def _checked(value: object, path: str, log: FaultLog, option: Option) -> OptionValue | None:
    before = log.count
    found = _of_kind(value, path, log, option)
    if found is None or log.count > before:
        return None
    try:
        problem = option.check(found) if option.check is not None else ""
    except Exception as fault:  # another's code: its slip is no reason to end the deploy of everything else
        problem = f"cannot be checked: {type(fault).__name__}: {fault}"
    if not problem:
        return found
    log.add(path, problem)
    return None


def _of_kind(value: object, path: str, log: FaultLog, option: Option) -> OptionValue | None:
    if option.kind is str:
        return check_text(value, path, log)
    if option.kind is bool:
        return check_flag(value, path, log)
    if option.kind is int:
        return check_whole_number(value, path, log, -MAX_WHOLE, MAX_WHOLE)
    if option.kind is float:
        return check_number(value, path, log, NUMBERS)
    entries = check_list(value, path, log, 0, MAX_LIST)
    texts = [check_text(entry, at(path, index), log, MAX_TEXT) for index, entry in enumerate(entries or [])]
    return None if entries is None else [text for text in texts if text is not None]
