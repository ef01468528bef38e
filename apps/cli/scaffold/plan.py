"""What a new function is to be: every question answered."""

from typing import NamedTuple

RUNTIMES = {"typescript": ("typescript",), "python": ("docker",), "go": ("wasm", "docker"), "rust": ("docker", "wasm")}
"""By language; the first is the one by default."""
LANGUAGES = tuple(RUNTIMES)
HTTP = "http"
"""Instead of a language: the code is behind a URL."""


class Plan(NamedTuple):
    id: str
    name: str
    event: str | None
    """None: `cron` starts it."""
    cron: str | None
    language: str
    """One of LANGUAGES, or HTTP."""
    runtime: str
    url: str | None = None
    """Of HTTP."""
    template: str = "plain"

    @property
    def field(self) -> str:
        """What of the event's data the code looks at."""
        return "cron" if self.event is None else "id"
