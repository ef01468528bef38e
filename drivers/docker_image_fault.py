"""Why there is no image to run a step in."""

from typing import Self

from drivers.answers import storable


class ImageFault(Exception):
    """There is no image to run. ``log`` holds the last of what the engine said."""

    def __init__(self, name: str, message: str, *, retryable: bool = True, log: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.retryable = retryable
        self.log = log

    def within(self, log_bytes: int) -> Self:
        """The same, with no more than the last ``log_bytes`` of its log."""
        log = storable(self.log).encode(errors="replace")[-log_bytes:].decode(errors="ignore")
        return type(self)(self.name, str(self), retryable=self.retryable, log=log)
