"""`inngest init`: a new function, in a folder of its own."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from apps.cli.hints import hint
from apps.cli.printing import out

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="Folder for it, which is made.", show_default="the name, as a slug"),
]
Name = Annotated[str | None, typer.Option("--name", "-n", help="What the function is called.", metavar="TEXT")]
Event = Annotated[str | None, typer.Option("--event", help="The event that starts it.", metavar="NAME")]
Cron = Annotated[
    str | None,
    typer.Option("--cron", help="Or when it starts, as 'TZ=Europe/Paris 0 9 * * 1'.", metavar="CRON"),
]
Language = Annotated[
    str | None,
    typer.Option("--language", "-l", help="typescript, python, go or rust.", metavar="NAME", show_default="typescript"),
]
Url = Annotated[str | None, typer.Option("--url", help="Where its code is, instead: an http step.", metavar="URL")]
Runtime = Annotated[
    str | None,
    typer.Option("--runtime", help="docker or wasm, for Go (wasm by default) and Rust (docker).", metavar="NAME"),
]
Template = Annotated[
    str | None,
    typer.Option(
        "--template",
        "-t",
        help="plain, steps, wait-for-event, or the folder of a function to copy.",
        metavar="TEMPLATE",
        show_default="plain",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: defaults for what is not given.")]


def init(
    folder: Folder = None,
    *,
    name: Name = None,
    event: Event = None,
    cron: Cron = None,
    language: Language = None,
    url: Url = None,
    runtime: Runtime = None,
    template: Template = None,
    yes: Yes = False,
) -> None:
    """Make a new function: its definition, its code, the schema of its event, and an event to try it with.

    What no option says is asked in a terminal. Nothing is overwritten.
    """
    from apps.cli.scaffold.answers import slug
    from apps.cli.scaffold.deciding import Flags, decide, named, template_folder
    from apps.cli.scaffold.writing import require_free, write_folder

    flags = Flags(name, event, cron, language, url, runtime, template, yes)
    original = template_folder(flags)
    if folder is not None:
        require_free(folder)
    chosen = named(flags, folder)
    target = folder or Path(slug(chosen))
    require_free(target)
    if original is not None:
        from apps.cli.scaffold.copying import copied

        files = copied(original, slug(chosen), chosen)
    else:
        from apps.cli.scaffold.rendering import files_of

        files = {path: text.encode() for path, text in files_of(decide(flags, chosen)).items()}
    write_folder(target, files)
    _tell(target, files, chosen)


def _tell(folder: Path, files: dict[str, bytes], name: str) -> None:
    from rich.text import Text

    from apps.cli.printing import hanging, one_line
    from apps.cli.scaffold.readme import describe

    shown = one_line(str(folder))
    out().print(f"Made {one_line(name)} in {shown}", soft_wrap=True)
    out().print()
    width = max(map(len, files))
    for path in files:
        said = describe(path).replace("`", "")
        hanging(Text(f"  {path:<{width}}  " if said else f"  {path}"), Text(said, "dim"))
    out().print()
    there = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(shown)}"]
    run = "inngest run --event-file event.json" if "event.json" in files else "inngest run"
    hint("Next", *there, run, "inngest dev", "inngest deploy")
