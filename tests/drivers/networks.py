"""What tests say of the networks that steps may reach, and of names."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from drivers import settings


@contextmanager
def private_networks(*networks: str) -> Iterator[None]:
    """As in production with PRIVATE_NETWORKS set to these."""
    before = settings.current()
    settings.configure(replace(before, private_networks=networks))
    try:
        yield
    finally:
        settings.configure(before)


def naming(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> list[str]:
    """Let a name have these addresses, as a name server would say. Returns the names that are looked up from now on."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        hosts = addresses if host == name else (host,)
        return [found for one in hosts for found in real(one, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked
