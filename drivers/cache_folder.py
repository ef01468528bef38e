"""Where this machine keeps what it can make or fetch again: compiled WebAssembly, functions' code."""

import logging
import os
import stat
from functools import lru_cache
from pathlib import Path

_log = logging.getLogger(__name__)


@lru_cache(maxsize=8)
def private_folder(name: str) -> Path | None:
    """Our folder of this name, owned by us and closed to others; None, and a line in the log, if there can be none."""
    home = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    try:
        folder = Path(os.environ.get("INNGEST_CACHE_DIR") or f"{home}/inngest-server").expanduser() / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            if found.st_mode & 0o077:  # not otherwise: one that cannot be written may still be read
                folder.chmod(0o700)
            return folder
        fault = f"{folder} belongs to someone else"
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        fault = str(error)
    _log.warning("nothing is kept on disk under %r, so each process makes or fetches it anew: %s", name, fault)
    return None
