"""What the conformance suite needs to know of a driver."""

from typing import Protocol

from drivers.contract import Call, Driver


class Subject(Protocol):
    """Makes calls of one runtime. Each call may be run many times, side by side, and with other limits or payload
    (`dataclasses.replace`); whoever runs it gives it a `step_id` and `attempt` of its own."""

    driver: Driver
    runtime: str
    lacks: frozenset[str]
    """Names of the methods below that mean nothing for this runtime, each a reason for a test to be left out."""

    def returning(self, text: str) -> Call:
        """Ends well and gives back this JSON text."""
        ...

    def writing(self, data: bytes) -> Call:
        """Ends well and gives back just these bytes, which may be no JSON and no UTF-8."""
        ...

    def echoing(self) -> Call:
        """Gives back its input."""
        ...

    def failing(self, message: str) -> Call:
        """Fails, saying this, so that another try may help."""
        ...

    def hanging(self) -> Call:
        """Never ends by itself, and ignores polite requests to."""
        ...

    def logging(self, lines: list[str], output: str) -> Call:
        """Writes these lines to its log (a container's or module's standard error), then gives back the JSON text."""
        ...

    def exiting(self, code: int, output: str) -> Call:
        """Writes the text to standard output and exits with the code. Lacked by what has no exit codes."""
        ...

    def telling_variable(self, name: str) -> Call:
        """Gives back `{"value": …}` with its environment variable of this name, or null if it has none."""
        ...

    def flooding(self) -> Call:
        """Writes output without end (a script: a log and an output far beyond every limit)."""
        ...

    def hoarding(self) -> Call:
        """Takes memory without end."""
        ...
