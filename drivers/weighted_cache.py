"""A cache bounded by weight, such as bytes: what was used least recently goes first. For every thread."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRY = 256
"""What an entry weighs besides its value, so that the number of very light ones is bounded too."""


class WeightedCache(Generic[K, V]):
    def __init__(self, limit: Callable[[], int]) -> None:
        """`limit` is asked at each `put`: it may be a setting."""
        self._limit = limit
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep it, unless it alone is heavier than the limit."""
        weight += ENTRY
        limit = self._limit()
        with self._lock:
            if key in self._entries:
                self._weight -= self._entries.pop(key)[1]
            if weight > limit:
                return
            self._entries[key] = (value, weight)
            self._weight += weight
            while self._weight > limit:
                _, (_, gone) = self._entries.popitem(last=False)
                self._weight -= gone

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._weight = 0

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)
