"""A base image with this machine's Python, in place of `python:3.13-slim` where no registry can be reached."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from io import BytesIO
from pathlib import Path

_LEFT_OUT = {
    "test",
    "tests",
    "site-packages",
    "__pycache__",
    "idlelib",
    "ensurepip",
    "lib2to3",
    "tkinter",
    "turtledemo",
}


def python_image() -> bytes:
    """A tar of its file system: `/usr/local/bin/python`, its library, what they link to, and /tmp."""
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        program = Path(os.path.realpath(sys.executable))
        tar.add(program, "usr/local/bin/python")
        library = Path(sysconfig.get_path("stdlib"))
        tar.add(library, f"usr/local/lib/{library.name}", filter=_wanted)
        for file in _linked([program, *library.glob("lib-dynload/*.so")]):
            # The loader has its place in the program; the others are looked for in the system's own.
            name = str(file).lstrip("/") if file.name.startswith("ld-") else f"usr/lib/{file.name}"
            tar.add(file.resolve(), name)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)
    return content.getvalue()


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = member.name.rpartition("/")[2]
    is_left_out = name in _LEFT_OUT or name.startswith("config-") or name.endswith((".a", ".pyc"))
    return None if is_left_out else member


def _linked(programs: list[Path]) -> set[Path]:
    """The shared libraries, as the loader finds them here."""
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", told)}
