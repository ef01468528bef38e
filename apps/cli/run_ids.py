"""Runs as they are named on the command line."""

import re
from typing import Annotated

import typer

from apps.cli.client import Refused
from apps.cli.completing import complete_run
from apps.cli.printing import one_line
from apps.cli.problems import Problem

_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.", autocompletion=complete_run)]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN", help="Ids of runs.", autocompletion=complete_run)]
FIND = "inngest runs lists the newest ones"


def read_run_id(text: str) -> str:
    """The id as the API writes it. Raises Problem."""
    run_id = text.strip().upper()
    if not _ULID.fullmatch(run_id):
        raise Problem(f"{one_line(text, 80)!r} is no id of a run: these have 26 letters and digits", FIND)
    return run_id


def not_found(refusal: Refused, run_id: str, environment: str | None) -> Problem:
    """Of a 404, the sentence that it deserves; any other refusal as it is."""
    if refusal.status != 404:
        return refusal
    where = f" in the environment {environment}" if environment else ""
    return Problem(f"there is no run {run_id}{where}", f"{FIND}; runs that have ended are kept for a while only")
