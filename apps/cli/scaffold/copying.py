"""A template of one's own: a function's folder, copied under another id and name."""

import json
from pathlib import Path

from apps.cli.printing import one_line
from apps.cli.problems import Problem
from apps.datastore.definition.documents import JSON
from apps.datastore.definition.faults import InvalidDefinition
from apps.datastore.definition.folder import read_files
from apps.datastore.definition.json_document import read_json

_HIDDEN = (".gitignore", ".env.example")
"""What is copied besides what a function is made of; a `.env` holds secrets."""


def copied(template: Path, function_id: str, name: str) -> dict[str, bytes]:
    """The files of the folder, with the id and the name in its definition. Raises Problem."""
    try:
        files = read_files(template)
        if JSON not in files:
            raise Problem(f"{one_line(str(template))} has no {JSON}", "a template is the folder of a function")
        document = read_json(files[JSON].decode("utf-8-sig"), JSON)
    except InvalidDefinition as invalid:
        raise Problem(f"the template cannot be read: {one_line(str(invalid.faults[0]))}") from None
    except UnicodeDecodeError:
        raise Problem(f"{one_line(str(template / JSON))} is not text (UTF-8)") from None
    if not isinstance(document, dict):
        raise Problem(f"{one_line(str(template / JSON))} is no JSON object")
    renamed = {**document, "id": function_id, "name": name}
    files[JSON] = (json.dumps(renamed, indent=2, ensure_ascii=False) + "\n").encode()
    for hidden in _HIDDEN:
        if (template / hidden).is_file():
            files[hidden] = (template / hidden).read_bytes()
    return files
