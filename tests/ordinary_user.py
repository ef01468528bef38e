"""Where tests run as root, permissions mean nothing; here they do. And a disk that takes no more."""

import ctypes
import os
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_VERSION_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2


def as_ordinary_user(do: Callable[[], T]) -> T:
    """What `do` gives in a thread of its own that has laid down root's right to read and write everything."""

    def in_thread() -> T:
        libc = ctypes.CDLL(None, use_errno=True)
        # Version and thread (0: this one); then effective, permitted and inheritable, twice 32 bits of each.
        header, rights = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
        if libc.capget(header, rights) != 0:
            raise OSError(ctypes.get_errno(), "capget")
        rights[0] &= ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
        if libc.capset(header, rights) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        return do()

    if os.geteuid() != 0:
        return do()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(in_thread).result()


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file can be written beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
