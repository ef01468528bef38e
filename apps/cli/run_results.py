"""What a run came to, in a few words."""

from collections.abc import Mapping
from typing import Any

from apps.cli.printing import excerpt

_CHARACTERS = 200


def result_of(run: Mapping[str, Any]) -> str:
    """The error's message, or the beginning of the output."""
    output = run["output"]
    if run["status"] == "Failed" and isinstance(output, dict) and "message" in output:
        return excerpt(str(output["message"]), _CHARACTERS)
    if output is None:
        return ""
    from apps.cli.json_text import encode

    return excerpt(encode(output, indent=0), _CHARACTERS)
