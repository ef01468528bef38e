"""How root runs PostgreSQL, which refuses to run as root.

In a user namespace it sees another user id while files and signals still see root: no user is made, no
permission is changed. Where namespaces are denied (Docker's default profile) it runs as an unprivileged user that
every system has, in a folder made for it.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from apps.devserver.faults import CannotStart
from apps.devserver.processes import launch

# Where folders for the unprivileged user go if it cannot reach the data folder, as under /root.
_HOMES = Path("/var/lib/inngest-dev")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server runs as."""

    options: tuple[str, ...]
    """For `launch`."""
    owner: int
    """The user id that its files have to belong to."""


OURSELVES = Identity((), os.geteuid())


def choose_identity(folder: Path, program: Path, *, namespaces: bool = True) -> Identity:
    """Who may run `program` with data in `folder`: we ourselves, unless we are root."""
    if os.geteuid() != 0:
        return OURSELVES
    account = _account()
    namespace = Identity((f"--namespace={account.pw_uid}:{account.pw_gid}",), 0)
    if namespaces and _may(namespace, "-w", folder) and _may(namespace, "-x", program):
        return namespace
    return Identity((f"--user={account.pw_uid}:{account.pw_gid}",), account.pw_uid)


def _account() -> pwd.struct_passwd:
    """An unprivileged user that exists: initdb looks its own name up."""
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not others:
        raise CannotStart("PostgreSQL does not run as root, and this system has no other user to run it as.")
    return next((entry for entry in others if entry.pw_name == "nobody"), others[0])


def _may(identity: Identity, test: str, path: Path) -> bool:
    process = launch(["/usr/bin/env", "test", test, str(path)], identity=identity.options, output=subprocess.DEVNULL)
    return process.wait() == 0


def reachable_folder(folder: Path, identity: Identity) -> Path:
    """Makes `folder`, for the identity alone, and gives its real path; a link to another place where it must be."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        if _may(identity, "-x", folder.parent):
            folder.mkdir(mode=0o700)
        else:
            home = _homes() / secrets.token_hex(8)
            home.mkdir(mode=0o700)
            folder.unlink(missing_ok=True)
            folder.symlink_to(home)
    real = folder.resolve()
    if not _may(identity, "-x", real.parent):
        raise CannotStart(f"{real} was made by another user and cannot be reached by the one that PostgreSQL runs as.")
    give(real, identity.owner)
    return real


def reachable_installation(root: Path, program: str, identity: Identity) -> Path:
    """The folder `root` with a program's files, or a copy of it where the identity can run the program."""
    if _may(identity, "-x", root / program):
        return root
    package = root.parent
    stamp = f"{package.name}-{root.name}-{(root / program).stat().st_mtime_ns}"
    copy = _homes() / stamp
    if not copy.exists():
        partial = _homes() / f"{stamp}.{secrets.token_hex(4)}"
        shutil.copytree(root, partial / package.name / root.name, symlinks=True)
        # A wheel keeps the libraries that its programs load beside the package, and they look for them there.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for folder in (partial, partial / package.name):
            folder.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # somebody else was quicker
            shutil.rmtree(partial)
    return copy / package.name / root.name


def _homes() -> Path:
    _HOMES.mkdir(parents=True, exist_ok=True)
    _HOMES.chmod(0o755)  # whatever our umask is: the unprivileged user has to get through
    return _HOMES


def give(folder: Path, owner: int) -> None:
    """Hands a folder of ours to the owner, if it was last used under another identity."""
    if folder.stat().st_uid == owner:
        return
    if os.geteuid() != 0:
        raise CannotStart(f"{folder} belongs to user {folder.stat().st_uid}, as whom we do not run.")
    for parent, _, files in os.walk(folder):
        os.chown(parent, owner, -1)
        for name in files:
            os.chown(Path(parent) / name, owner, -1, follow_symlinks=False)
