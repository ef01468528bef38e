"""How much may be in hand at once: requests being read, and events waiting for their commit."""

from apps.event_api.refusals import Unavailable


class Room:
    """A bounded amount of something. What alone is over the bound still finds room when there is nothing else."""

    def __init__(self, most: int, what: str) -> None:
        self.taken = 0
        self._most = most
        self._what = what

    def take(self, amount: int, held: int = 0) -> None:
        """Take `amount` more, besides `held` that the same request has. Raises Unavailable."""
        if self.taken + amount > self._most and self.taken > held:
            raise Unavailable(f"Too many {self._what} are waiting to be stored")
        self.taken += amount

    def give_back(self, amount: int) -> None:
        self.taken -= amount
