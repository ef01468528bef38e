"""What goes wrong for a person at a terminal: a sentence about it, and what to do next."""


class Problem(Exception):
    """Printed to stderr as `error: <message>` and, below it, the next step; the exit code is 1. Never a traceback."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
