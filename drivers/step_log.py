"""What a step prints, up to a size."""


class StepLog:
    """Lines, kept until ``limit`` bytes of them; one line says that the rest is missing."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._lines: list[str] = []
        self._limit = limit
        self._full = False

    def add(self, line: str) -> bool:
        """Whether there is room for another."""
        if self._full:
            return False
        data = line.encode(errors="replace")
        if len(data) + 1 > self._left:
            self._full = True
            data = data[: self._left]
        self._left -= len(data) + 1
        self._lines.append(data.decode(errors="ignore"))
        return not self._full

    def text(self) -> str:
        cut = [f"[the log ends here: it is longer than {self._limit:,} bytes]"] if self._full else []
        return "\n".join(self._lines + cut)
