"""How much one transaction does: less where it would be too much, and more again when that has passed."""

from apps.expressions import DEFAULT_BUDGET

BATCH_BYTES = 16 * 1024 * 1024
"""Payloads that one transaction reads, unless a single event has more."""
COPIED_BYTES = 16 * 1024 * 1024
"""Payloads that one transaction gives to steps of SDK functions, unless a single one is larger."""
BATCH_UNITS = 20 * DEFAULT_BUDGET
"""What the expressions of one transaction cost: some two seconds."""
EVENT_UNITS = 100 * DEFAULT_BUDGET
"""What the triggers of one event, which no two transactions can share, cost: some ten seconds."""


class BatchTooLarge(Exception):
    """The batch would do more than one transaction should; take `fit`."""

    def __init__(self, fit: int) -> None:
        super().__init__(fit)
        self.fit = fit


class BatchSize:
    """How many to take: `full`, unless less has shown to be right for now."""

    def __init__(self, full: int) -> None:
        self.full = full
        self.now = full

    def shrink(self, fit: int) -> None:
        """Take `fit`, and fewer than before."""
        self.now = max(1, min(fit, self.now - 1))

    def grow(self) -> None:
        """A batch went well: what was too large may be over."""
        self.now = min(self.full, 2 * self.now)
