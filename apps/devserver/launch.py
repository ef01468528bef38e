"""Runs a program so that it cannot outlive the process that started it, and, for root, as somebody else.

A script of its own, standard library only, executed with `python -I -S`: what it does to itself (its user
namespace, its user, its parent-death signal) is what the program that it becomes inherits.

    launch.py --parent PID [--on-orphan SIGNAL] [--namespace UID:GID | --user UID:GID] -- PROGRAM ARGUMENT...
"""

import argparse
import ctypes
import os
import signal
import sys

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def _libc_call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def _ids(text: str) -> tuple[int, int]:
    user, _, group = text.partition(":")
    return int(user), int(group)


def enter_namespace(user: int, group: int) -> None:
    """Looks like `user` from now on, while files and signals still see the caller. Raises OSError where denied."""
    outer_user, outer_group = os.geteuid(), os.getegid()
    _libc_call("unshare", _CLONE_NEWUSER)
    for name, line in (
        ("setgroups", "deny"),  # the kernel wants this before a group may be mapped
        ("uid_map", f"{user} {outer_user} 1"),
        ("gid_map", f"{group} {outer_group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)


def become(user: int, group: int) -> None:
    """Gives up root for good."""
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def die_with(parent: int, number: int) -> None:
    """Has the kernel send us a signal when `parent` is gone, also if it went before we could ask."""
    if sys.platform == "linux":
        _libc_call("prctl", _PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--on-orphan", type=lambda name: signal.Signals[name], default=signal.SIGTERM)
    parser.add_argument("--namespace", type=_ids)
    parser.add_argument("--user", type=_ids)
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    if options.namespace:
        enter_namespace(*options.namespace)
    elif options.user:
        become(*options.user)
    # After the change of user: a change of credentials clears the parent-death signal.
    die_with(options.parent, options.on_orphan)
    os.execv(options.program[0], options.program)


if __name__ == "__main__":
    main()
