"""What the server's operator decides for the drivers. They know no Django: the executor hands it over at its start."""

from dataclasses import dataclass, field

from drivers.contract import MIB


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """See the settings of the same names, with ``DOCKER_`` before them, in docs/settings.md."""

    host: str = ""
    network: str = "bridge"
    pull: str = "missing"
    registry: str = ""
    registry_username: str = ""
    registry_password: str = field(default="", repr=False)
    build: bool = True
    build_seconds: float = 900.0
    build_memory_bytes: int = 2048 * MIB
    build_network: str = "default"
    image_days: int = 30
    memory_bytes: int = 512 * MIB
    memory_max_bytes: int = 4096 * MIB
    cpus: float = 1.0
    cpus_max: float = 8.0
    pids: int = 256
    pids_max: int = 4096
    tmp_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class WasmSettings:
    """See the settings of the same names, with ``WASM_`` before them, in docs/settings.md."""

    cache_max_bytes: int = 1024 * MIB
    compile_seconds: float = 180.0
    compile_memory_bytes: int = 2048 * MIB


@dataclass(frozen=True, slots=True)
class DriverSettings:
    private_networks: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    """Networks, in CIDR, that steps may reach though their addresses are private ones."""
    docker: DockerSettings = field(default_factory=DockerSettings)
    wasm: WasmSettings = field(default_factory=WasmSettings)
    cpu_slots: int = 4
    """How many steps of the queue ``steps.cpu`` this process runs side by side."""


_current = DriverSettings()


def configure(settings: DriverSettings) -> None:
    """Let these hold for calls that begin from now on. Called once, when a process that runs steps starts."""
    global _current  # noqa: PLW0603 - one for the process, as its drivers are
    _current = settings


def current() -> DriverSettings:
    return _current
