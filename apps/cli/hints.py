"""Commands to type next."""

import shlex

from apps.cli.printing import err, one_line


def command(*words: str, env: str | None = None) -> str:
    """`inngest` with these words, as a shell takes it, for the environment that the present command is for."""
    return shlex.join(["inngest", *(one_line(word) for word in words), *(["--env", env] if env else [])])


def hint(text: str, *commands: str) -> None:
    """Says what can be done next, to stderr: `Undo it: inngest rollback`."""
    from rich.text import Text

    if not commands:
        return
    if len(commands) == 1:
        err().print(Text.assemble((f"{text}: ", "dim"), commands[0]), soft_wrap=True)
        return
    err().print(Text(f"{text}:", "dim"), soft_wrap=True)
    for one in commands:
        err().print(Text(f"  {one}"), soft_wrap=True)
