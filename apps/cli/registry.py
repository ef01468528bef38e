"""The commands of `inngest`, and the application that they make up."""

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer

from apps.cli.help import Sections


class Named(NamedTuple):
    """A command: where its function is. A module is imported only when its command is called, or all are listed."""

    name: str
    module: str
    function: str
    section: str


_FUNCTIONS, _RUNS, _SERVER = "Functions", "Runs and events", "Server"
COMMANDS = (
    Named("init", "apps.cli.commands.init", "init", _FUNCTIONS),
    Named("dev", "apps.cli.commands.dev", "dev", _FUNCTIONS),
    Named("types", "apps.cli.commands.types", "types", _FUNCTIONS),
    Named("run", "apps.cli.commands.run", "run", _FUNCTIONS),
    Named("deploy", "apps.cli.commands.deploy", "deploy", _FUNCTIONS),
    Named("rollback", "apps.cli.commands.rollback", "rollback", _FUNCTIONS),
    Named("live", "apps.cli.commands.live", "live", _FUNCTIONS),
    Named("archive", "apps.cli.commands.archive", "archive", _FUNCTIONS),
    Named("functions", "apps.cli.commands.functions", "functions", _FUNCTIONS),
    Named("versions", "apps.cli.commands.versions", "versions", _FUNCTIONS),
    Named("deploys", "apps.cli.commands.deploys", "deploys", _FUNCTIONS),
    Named("diff", "apps.cli.commands.diff", "diff", _FUNCTIONS),
    Named("secrets", "apps.cli.commands.secrets", "app", _FUNCTIONS),
    Named("runs", "apps.cli.commands.runs", "runs", _RUNS),
    Named("run-info", "apps.cli.commands.run_info", "run_info", _RUNS),
    Named("cancel", "apps.cli.commands.cancel", "cancel", _RUNS),
    Named("events", "apps.cli.commands.events", "app", _RUNS),
    Named("login", "apps.cli.commands.login", "login", _SERVER),
    Named("logout", "apps.cli.commands.logout", "logout", _SERVER),
    Named("whoami", "apps.cli.commands.whoami", "whoami", _SERVER),
    Named("doctor", "apps.cli.doctor.command", "doctor", _SERVER),
)

app = typer.Typer(
    name="inngest",
    cls=Sections,
    no_args_is_help=True,
    # Plain help: it is quick, and reads the same in a terminal, in a pager and in a log.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog=(
        "A command goes to the server of INNGEST_API_URL with the token of INNGEST_API_TOKEN, else to the one that you"
        " logged in to, else to the dev server on http://localhost:8288."
    ),
)


def _show_version(asked: bool) -> None:
    if asked:
        from apps.version import VERSION

        sys.stdout.write(f"inngest {VERSION}\n")
        raise typer.Exit


@app.callback()
def inngest(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Deploy event-driven functions, send events, see what runs."""


def register(arguments: Sequence[str]) -> None:
    """Adds the command that is called, or all of them if it is not clear which one that is."""
    word = next((word for word in arguments if not word.startswith("-")), None)
    called = [command for command in COMMANDS if command.name == word]
    for command in called or COMMANDS:
        function = getattr(importlib.import_module(command.module), command.function)
        if isinstance(function, typer.Typer):
            app.add_typer(function, name=command.name, rich_help_panel=command.section)
        else:
            app.command(command.name, rich_help_panel=command.section)(function)
