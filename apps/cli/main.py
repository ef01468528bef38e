"""The command `inngest`: from the first moment to the exit code. What it needs is imported where Ctrl-C is awaited."""

import errno
import os
import sys
from contextlib import suppress

DEBUG = "INNGEST_DEBUG"
INTERRUPTED = 130


def main() -> None:
    """The console script."""
    try:
        _check_streams()
        code = _run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        code = 1 if error.errno == errno.EPIPE else _tell(f"what there is to print cannot be written: {error.strerror}")
        _close_stdout()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """The exit code. Raises KeyboardInterrupt, and OSError if stdout cannot be written."""
    from apps.cli.problems import Problem
    from apps.cli.registry import app, register

    try:
        register(arguments)
        app(prog_name="inngest")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Problem as problem:
        if os.environ.get(DEBUG):
            return _trace()
        return _tell(problem.message, problem.next_step)
    except Exception as error:
        if os.environ.get(DEBUG) and not isinstance(error, BrokenPipeError):
            return _trace()
        if isinstance(error, OSError) and not error.filename:
            raise  # no file of a name, and whatever goes wrong with a server has a Problem of its own: it is stdout
        if isinstance(error, OSError):
            return _tell(f"{error.filename}: {error.strerror}")
        return _tell(f"this is a fault of inngest itself: {error!r}", f"{DEBUG}=1 shows where it happened")
    return 0


def _check_streams() -> None:
    """One that is closed is None, and the next file that is opened takes its number."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        raise OSError(errno.EBADF, "stdout is closed")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character gets a mark in its place, and a lone surrogate is no crash.
            stream.reconfigure(errors="replace")


def _tell(message: str, next_step: str = "") -> int:
    """To stderr: what is wrong, and below it what to do; the exit code."""
    from rich.text import Text

    from apps.cli.printing import err, lines

    with suppress(OSError):
        err().print(Text.assemble(("error: ", "bold red"), lines(message)), soft_wrap=True)
        for line in lines(next_step).splitlines():
            err().print(Text(f"  {line}"), soft_wrap=True)
    return 1


def _trace() -> int:
    import traceback

    traceback.print_exc()
    return 1


def _close_stdout() -> None:
    """Nobody reads any more: what is still buffered must not be a complaint at the end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
