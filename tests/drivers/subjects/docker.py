"""Steps of the docker driver, as shell for busybox. Each is built from a folder that holds a Dockerfile."""

import json
import uuid
from collections.abc import Mapping

from drivers.contract import MIB, Call, Driver, Limits
from drivers.docker import DockerDriver
from tests.docker_engine import OWNER
from tests.drivers.calls import PAYLOAD, bundle

_MOST_SCRIPT = 30_000
_ESCAPED = r"""sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'"""


class DockerSubject:
    runtime = "docker"
    lacks: frozenset[str] = frozenset()

    def __init__(self, driver: DockerDriver, base: str) -> None:
        """`base` is the `busybox_image`."""
        self.driver: Driver = driver
        self._base = base

    def returning(self, text: str) -> Call:
        return self.writing(text.encode())

    def writing(self, data: bytes) -> Call:
        return self._writing(data, "")

    def echoing(self) -> Call:
        return self.running("cat")

    def failing(self, message: str) -> Call:
        return self.running(f"{_printing(message.encode())} >&2; exit 1")

    def hanging(self) -> Call:
        return self.running("trap '' TERM INT; while :; do sleep 1; done")

    def logging(self, lines: list[str], output: str) -> Call:
        return self.running(f"{_printing(chr(10).join([*lines, '']).encode())} >&2; {_printing(output.encode())}")

    def exiting(self, code: int, output: str) -> Call:
        return self._writing(output.encode(), f"; exit {code}")

    def telling_variable(self, name: str) -> Call:
        told = f'''printf '{{"value":"%s"}}' "$(printf %s "${name}" | {_ESCAPED})"'''
        return self.running(f"if [ ${{{name}+x}} ]; then {told}; else echo '{{\"value\":null}}'; fi")

    def flooding(self) -> Call:
        return self.running("tr '\\0' x < /dev/zero")

    def hoarding(self) -> Call:
        return self.running("x=x; while :; do x=$x$x; done", memory=32 * MIB)

    def running(self, script: str, files: Mapping[str, str | bytes] | None = None, **options: object) -> Call:
        """A step that is this script. `options` are the runtime's."""
        copies = "".join(f"COPY {path} /{path}\n" for path in files or {})
        dockerfile = f"FROM {self._base}\n{copies}CMD {json.dumps(['/bin/sh', '-c', script])}\n"
        return docker_call({"dockerfile": "Dockerfile"} | options, {"Dockerfile": dockerfile, **(files or {})})

    def _writing(self, data: bytes, then: str) -> Call:
        printing = _printing(data)
        if len(printing) < _MOST_SCRIPT:
            return self.running(printing + then)
        return self.running("cat /data" + then, {"data": data})


def docker_call(
    runtime: Mapping[str, object],
    files: Mapping[str, str | bytes] | None = None,
    *,
    payload: bytes = PAYLOAD,
    timeout: float = 30.0,
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
) -> Call:
    """A call of a run of its own."""
    return Call(
        {"type": "docker"} | dict(runtime),
        payload,
        str(uuid.uuid4()),
        "step-1",
        timeout=timeout,
        limits=limits or Limits(),
        bundle=bundle(files or {}),
        env=env or {},
        owner=OWNER,
    )


def _printing(data: bytes) -> str:
    plain = b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,:[]{}_-"'
    return "printf '" + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in data) + "'"
