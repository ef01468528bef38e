"""Reading the text of a definition, whichever notation it is in."""

from collections.abc import Sequence

import msgspec

from apps.datastore.definition.faults import Fault, InvalidDefinition, shown
from apps.datastore.definition.json_document import read_json
from apps.datastore.definition.positions import lines_in_json, lines_in_yaml
from apps.datastore.definition.yaml_document import MAX_VALUES, TOO_MANY, read_yaml

MAX_BYTES = 512 * 1024
JSON = "inngest.json"
YAML = "inngest.yaml"
CUE = "inngest.cue"


def read_document(text: str, filename: str) -> object:
    """The document as JSON values, for `parse`. `filename` is the file's bare name and decides how it is read.

    Raises InvalidDefinition for text that is too long or is not what the name says, with file and line.
    """
    # Characters first: encoding a text of any size only to find it too long would cost its size again.
    if len(text) > MAX_BYTES or len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise InvalidDefinition([Fault("", f"is larger than {MAX_BYTES // 1024} KiB", filename)])
    try:
        match filename:
            case "inngest.json":
                document = read_json(text, filename)
                if _values(document) > MAX_VALUES:
                    raise InvalidDefinition([Fault("", TOO_MANY, filename)])
                return document
            case "inngest.yaml":
                return read_yaml(text, filename)
    except InvalidDefinition as invalid:
        raise InvalidDefinition(locate(invalid.faults, text, filename)) from None
    if filename == CUE:
        problem = "is not read directly; make the JSON with: cue export inngest.cue > inngest.json"
    else:
        problem = f"a definition is called {JSON} or {YAML}, not {shown(filename)}"
    raise InvalidDefinition([Fault("", problem, filename)])


def _values(document: object) -> int:
    """How many values it holds, with itself."""
    count, todo = 0, [document]
    while todo:
        value = todo.pop()
        count += 1
        if isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)
    return count


def locate(faults: Sequence[Fault], text: str, filename: str) -> list[Fault]:
    """The faults of a document, with the file and the lines of their paths. Those that have a file stay as they are."""
    paths = {fault.path for fault in faults if not fault.file and fault.path}
    lines = (lines_in_yaml if filename == YAML else lines_in_json)(text, paths) if paths else {}
    return [
        fault if fault.file else msgspec.structs.replace(fault, file=filename, line=lines.get(fault.path))
        for fault in faults
    ]
