"""What a container of an attempt is: its name and labels, its command, and what it may do."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from drivers.contract import KIB, MIB, Call
from drivers.docker_image_store import Image
from drivers.docker_output import kept_log
from drivers.settings import DockerSettings

ARGUMENT_BYTES = 128 * KIB - 1
"""Linux's MAX_ARG_STRLEN, without the NUL at the end: the most that one argument or variable may hold."""

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "zsh"})
_CPU_PERIOD = 100_000
_SHM_BYTES = 16 * MIB
_OPEN_FILES = 4_096
"""More may be more than the engine itself has, and then nothing starts."""


class Refused(Exception):
    """The step asks for what it may not have. Another attempt would ask for the same."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Allowance:
    memory: int
    cpus: float
    pids: int


def allowance(runtime: Mapping[str, Any], settings: DockerSettings) -> Allowance:
    """What the step asks for, else what the settings give. Raises Refused."""
    memory = int(runtime.get("memory", settings.memory_bytes))
    cpus = float(runtime.get("cpus", settings.cpus))
    pids = int(runtime.get("pids", settings.pids))
    for asked, most, what, setting in (
        (memory, settings.memory_max_bytes, "bytes of memory", "DOCKER_MEMORY_MAX_BYTES"),
        (cpus, settings.cpus_max, "CPUs", "DOCKER_CPUS_MAX"),
        (pids, settings.pids_max, "processes", "DOCKER_PIDS_MAX"),
    ):
        if not 0 < asked <= most:  # 0 and less are no limit at all, to an engine
            words = f"the step asks for {asked:,} {what}; more than 0 are meant, and {setting} allows {most:,}"
            raise Refused("LimitRefused", words)
    return Allowance(memory, cpus, pids)


def name_of(call: Call) -> str:
    """One name for one attempt: the engine itself sees to it that there is no second container."""
    return f"inngest-{call.run_id}-{hashlib.sha256(call.step_id.encode()).hexdigest()[:12]}-{call.attempt}"


def configuration(call: Call, image: Image, allowed: Allowance, settings: DockerSettings, init: bool) -> dict[str, Any]:
    """The body of the engine's `create`. Raises Refused."""
    return {
        "Image": image.id,
        "Cmd": command_of(image, call.payload),
        "Env": _environment(call.env),
        "Labels": {
            "inngest.owner": call.owner,
            "inngest.run": call.run_id,
            "inngest.step": call.step_id,
            "inngest.attempt": str(call.attempt),
            "inngest.deadline": f"{time.time() + call.timeout:.0f}",
        },
        "AttachStdin": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "Healthcheck": {"Test": ["NONE"]},  # the image's own would run beside the step
        "HostConfig": {
            "Memory": allowed.memory,
            "MemorySwap": allowed.memory,  # of both together: no swap
            # As a quota, not as NanoCpus: of those an engine refuses more than it has.
            "CpuPeriod": _CPU_PERIOD,
            "CpuQuota": max(int(allowed.cpus * _CPU_PERIOD), 1_000),
            "PidsLimit": allowed.pids,
            "OomScoreAdj": 500,  # if the machine itself runs short, steps go before its services
            "SecurityOpt": ["no-new-privileges"],
            "CapDrop": ["ALL"],
            "ReadonlyRootfs": True,
            "Tmpfs": _writable(image, settings),
            "ShmSize": _SHM_BYTES,
            "IpcMode": "private",
            "NetworkMode": settings.network,
            "Ulimits": [
                {"Name": "core", "Soft": 0, "Hard": 0},
                {"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES},
            ],
            "Init": init,  # reaps what the step's own children leave behind, which would count against its pids
            "LogConfig": kept_log(call.limits),
            "RestartPolicy": {"Name": "no"},
        },
    }


def command_of(image: Image, payload: bytes) -> list[str] | None:
    """The image's own command with the input as its last argument; None leaves the command as it is.

    What the image runs is its ENTRYPOINT followed by its CMD, as ever, so that `ENTRYPOINT ["/step"]` and
    `CMD ["python", "main.py"]` both find the input as their program's only argument of ours. A shell form runs
    `/bin/sh -c TEXT`, where it is `$1`. Left out is what Linux would refuse: 128 KiB and more; it is on standard input
    in any case.
    """
    if len(payload) > ARGUMENT_BYTES or b"\0" in payload:
        return None
    whole = [*image.entrypoint, *image.command]
    is_shell = len(whole) > 2 and whole[-2] == "-c" and any(PurePosixPath(word).name in _SHELLS for word in whole[:-2])
    try:
        return [*image.command, *(["sh"] if is_shell else []), payload.decode()]
    except UnicodeDecodeError:
        return None


def _environment(variables: Mapping[str, str]) -> list[str]:
    made = []
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise Refused(
                "BadVariable", f"the variable {name!r} cannot be passed on: a program's environment has no such"
            )
        if len(name) + len(value.encode(errors="replace")) + 1 > ARGUMENT_BYTES:
            raise Refused("BadVariable", f"the variable {name!r} is too long: Linux takes less than 128 KiB")
        made.append(f"{name}={value}")
    return made


def _writable(image: Image, settings: DockerSettings) -> dict[str, str]:
    # A volume that the image declares would otherwise be made on the engine's disk, without a limit. Programs may be
    # run from here (as interpreters and installers do): a step is code of its author's choosing anyway.
    options = f"rw,exec,nosuid,nodev,mode=1777,size={settings.tmp_bytes}"
    return dict.fromkeys(["/tmp", *image.volumes], options)  # noqa: S108 - the container's
