"""The drivers get the server's settings, each of them."""

import dataclasses
from typing import Any

from apps.executor.driver_settings import configure_drivers, driver_settings
from drivers import settings as of_drivers
from drivers.settings import DockerSettings, DriverSettings


def test_every_setting_of_the_drivers_is_one_of_the_servers(settings: Any) -> None:
    settings.PRIVATE_NETWORKS = ["10.0.0.0/8"]
    named = {field.name: f"DOCKER_{field.name.upper()}" for field in dataclasses.fields(DockerSettings)}
    for name in named.values():
        setattr(settings, name, f"<{name}>")
    found = driver_settings()
    assert found.private_networks == ("10.0.0.0/8",)
    assert dataclasses.asdict(found.docker) == {field: f"<{name}>" for field, name in named.items()}
    assert {field.name for field in dataclasses.fields(DriverSettings)} >= {"private_networks", "docker", "wasm"}


def test_a_worker_hands_them_over_when_it_begins(settings: Any) -> None:
    before = of_drivers.current()
    settings.DOCKER_CPUS = 3.5
    try:
        configure_drivers()
        assert of_drivers.current().docker.cpus == 3.5
    finally:
        of_drivers.configure(before)
