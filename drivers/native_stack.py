"""How much of a thread's own stack WebAssembly may use."""

import platform
import resource
import threading

SMALL = 512 * 1024
LARGE = 2 * 1024 * 1024  # the most that wasmtime takes without its async stacks being larger


def native_stack() -> int:
    """Half of a thread's stack, where we know its size. Beyond it a module traps; were it more than there is, the
    process would crash."""
    if platform.libc_ver()[0] != "glibc":
        return SMALL
    whole = threading.stack_size() or resource.getrlimit(resource.RLIMIT_STACK)[0]
    known = 4 * SMALL if whole == resource.RLIM_INFINITY else whole  # then glibc's threads have 2 MiB
    return max(min(known // 2, LARGE), SMALL)
