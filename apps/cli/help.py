"""The list of commands that `inngest --help` shows: in sections, each command with a line."""

from typing import Any

from typer.core import TyperGroup

_UNCUT = 1_000
"""Characters of a command's line, which is wrapped where it is too long."""


class Sections(TyperGroup):
    """A group that lists its commands under the headings that they were registered with."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        width = max((len(name) for name, _ in commands), default=0)
        headings = dict.fromkeys(getattr(command, "rich_help_panel", None) or "Commands" for _, command in commands)
        for heading in headings:
            rows = [
                (name.ljust(width), command.get_short_help_str(_UNCUT))
                for name, command in commands
                if command is not None and (getattr(command, "rich_help_panel", None) or "Commands") == heading
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)
