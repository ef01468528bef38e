"""Finding SDK apps that run on this machine, gently: a closed port costs nothing, any other program is seldom asked."""

import socket
import time
from collections.abc import Container, Sequence
from concurrent.futures import ThreadPoolExecutor

from apps.devserver.app_addresses import HOSTS, PATHS, PORTS
from drivers.sdk_sync import Introspection, NotAnApp, NotThere, introspect

_CONNECT_SECONDS = 0.3
_ANSWER_SECONDS = 1.0
_REST_SECONDS = 30.0
"""How long a port is left alone on which something else was found."""
_AT_ONCE = 8


class Discovery:
    """Looks at the usual ports and paths. One object remembers what is not worth asking again soon."""

    def __init__(self, ports: Sequence[int] = PORTS) -> None:
        self._ports = ports
        self._rests_until: dict[int, float] = {}

    def look(self, known: Container[int]) -> list[Introspection]:
        """The apps on ports that are not `known`: those where an app is known, and our own."""
        now = time.monotonic()
        ports = [port for port in self._ports if port not in known and self._rests_until.get(port, 0.0) <= now]
        if not ports:
            return []
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="discovery") as pool:
            return [found for found in pool.map(self._look_at, ports) if found is not None]

    def _look_at(self, port: int) -> Introspection | None:
        for host in HOSTS:
            if not _listens(host, port):
                continue
            for path in PATHS:
                try:
                    return introspect(f"http://{host}:{port}{path}", timeout=_ANSWER_SECONDS)
                except NotThere:  # it listens, and speaks no HTTP
                    break
                except NotAnApp:
                    continue
                except Exception:  # whatever a program answers, the other ports are looked at
                    break
            self._rests_until[port] = time.monotonic() + _REST_SECONDS
        return None


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host.strip("[]"), port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
