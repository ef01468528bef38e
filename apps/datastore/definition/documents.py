"""Reading the text of a definition, whichever notation it is in."""

from apps.datastore.definition.faults import Fault, InvalidDefinition, shown
from apps.datastore.definition.json_document import read_json
from apps.datastore.definition.yaml_document import read_yaml

MAX_BYTES = 512 * 1024
JSON = "inngest.json"
YAML = "inngest.yaml"
CUE = "inngest.cue"


def read_document(text: str, filename: str) -> object:
    """The document as JSON values, for `parse`. `filename` is the file's bare name and decides how it is read.

    Raises InvalidDefinition for text that is too long or is not what the name says, with line and column.
    """
    # Characters first: encoding a text of any size only to find it too long would cost its size again.
    if len(text) > MAX_BYTES or len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise InvalidDefinition([Fault("$", f"{filename} is larger than {MAX_BYTES // 1024} KiB")])
    match filename:
        case "inngest.json":
            return read_json(text, filename)
        case "inngest.yaml":
            return read_yaml(text, filename)
        case "inngest.cue":
            problem = "inngest.cue is not read directly; make the JSON with: cue export inngest.cue > inngest.json"
            raise InvalidDefinition([Fault("$", problem)])
    raise InvalidDefinition([Fault("$", f"a definition is called {JSON} or {YAML}, not {shown(filename)}")])
