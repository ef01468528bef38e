"""The bench's one exception."""


class BenchFailed(Exception):
    """A figure cannot be trusted: something was lost, left over, or ended."""
