"""Who is on a port."""

import errno
import socket

import psutil

from apps.devserver.addresses import LOOPBACK, Address
from apps.devserver.cells import one_line
from apps.devserver.faults import CannotStart
from apps.devserver.secrets_in_urls import without_secrets

HOST = LOOPBACK


def is_free(port: int, address: Address | None = None) -> bool:
    """Whether we could listen on the port, of loopback if no address is given. Raises CannotStart if we never could."""
    address = address or Address(HOST, port)
    with socket.socket(address.family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise CannotStart(f"Port {port} may not be used by this user; give another one with --port.") from None
            if error.errno in {errno.EADDRNOTAVAIL, errno.EINVAL}:
                raise CannotStart(f"{address.host} is no address of this machine; give another with --host.") from None
            return False
    return True


def in_use(port: int) -> str:
    """A sentence's beginning about a port that is not free, with the program on it where that can be known."""
    return f"Port {port} is in use{_by(port)}"


def _by(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:  # macOS tells only root
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                command = psutil.Process(connection.pid).cmdline()
            except psutil.Error:
                command = []
            shown = f": {without_secrets(one_line(' '.join(command)))[:80]}" if command else ""
            return f" by process {connection.pid}{shown}"
    return ""
