"""`inngest diff`: what one version of a function has that another has not."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli.client import quoted
from apps.cli.commands.live import FunctionId
from apps.cli.context import AsJson, Env, connect
from apps.cli.moving import known
from apps.cli.printing import lines, note, one_line, out, print_json

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {"+": "green", "-": "red", "@": "cyan"}

From = Annotated[
    int | None, typer.Argument(metavar="FROM", help="A version's number.", show_default="what was live before")
]
To = Annotated[int | None, typer.Argument(metavar="TO", help="Another's.", show_default="what is live")]


def diff(function: FunctionId, from_: From = None, to: To = None, env: Env = None, as_json: AsJson = False) -> None:
    """Show what has changed in a function between two versions."""
    with known():
        data = connect(env).get(f"/v1/functions/{quoted(function)}/diff", **{"from": from_, "to": to})["data"]
    if as_json:
        print_json(data)
        return
    found = False
    for line in _diff_lines(data):
        found = True
        out().print(line, soft_wrap=True)
    if not found:
        note(f"v{data['from']} and v{data['to']} of {one_line(function)} are the same")


def _diff_lines(data: Mapping[str, Any]) -> Iterator["Text"]:
    from rich.text import Text

    yield from _coloured(data["definition"])
    for file in data["files"]:
        if file["diff"] is None:
            yield Text(f"{one_line(file['path'])}: {one_line(file['change'])}, not text", "bold")
        else:
            yield from _coloured(file["diff"])


def _coloured(unified: str) -> Iterator["Text"]:
    from rich.text import Text

    is_head = True
    for line in lines(unified).splitlines():
        is_head = is_head and not line.startswith("@@")
        yield Text(line, "bold" if is_head else _STYLES.get(line[:1], ""))
