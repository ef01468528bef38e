"""ULIDs: ids that sort by the time they were made, 26 characters, for events and runs."""

import os
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_COUNTER_BITS = 40

_guard = threading.Lock()
_millisecond = -1
_prefix = ""
_counter = 0


def new_ulids(count: int) -> list[str]:
    """So many new ids, each greater than all that this process has made before (about 0.5 µs each).

    Within a millisecond the low 40 bits count up from a random start and the other random bits stay; processes differ
    by the 80 random bits that each draws for each millisecond.
    """
    global _millisecond, _prefix, _counter  # noqa: PLW0603 - one sequence per process is the point
    with _guard:
        now = time.time_ns() // 1_000_000
        # A clock that was set back, or a counter near its end, must not break the order: stay in the last millisecond,
        # or go on to the next one.
        if now > _millisecond or _counter + count >> _COUNTER_BITS:
            _millisecond = max(now, _millisecond + 1)
            random = int.from_bytes(os.urandom(10), "big")
            _prefix = encode_ulid(_millisecond, random)[:18]
            # Half of the range is left for counting.
            _counter = random & ((1 << _COUNTER_BITS - 1) - 1)
        first = _counter
        _counter += count
        prefix = _prefix
    pairs = _PAIRS
    return [
        f"{prefix}{pairs[n >> 30 & 1023]}{pairs[n >> 20 & 1023]}{pairs[n >> 10 & 1023]}{pairs[n & 1023]}"
        for n in range(first, first + count)
    ]


def new_ulid() -> str:
    """One new id."""
    return new_ulids(1)[0]


def encode_ulid(millisecond: int, entropy: int) -> str:
    """The ULID of a time (below 2**48) and 80 bits of entropy."""
    number = millisecond << 80 | entropy
    return "".join(_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10))


def oldest_ulid(millisecond: int) -> str:
    """The least id that can have been made in this millisecond: ids of an age are a range of an index."""
    return encode_ulid(max(millisecond, 0), 0)


def _forget_sequence() -> None:
    """A forked child must not go on with its parent's sequence."""
    global _millisecond, _guard  # noqa: PLW0603
    _millisecond = -1
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_forget_sequence)
