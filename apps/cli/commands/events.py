"""`inngest events`: sending events, and watching them come."""

import typer

from apps.cli.commands.events_send import send
from apps.cli.commands.events_tail import tail

app = typer.Typer(help="Send events, and watch them come.", no_args_is_help=True)
app.command("send")(send)
app.command("tail")(tail)
