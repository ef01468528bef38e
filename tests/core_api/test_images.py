"""`/v1/images`: who deploys learns where images go."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient


@pytest.mark.parametrize(("registry", "told"), [("", ""), ("registry.example.com/team/", "registry.example.com/team")])
@pytest.mark.parametrize("built_by_workers", [True, False])
def test_the_registry_is_told_and_who_builds(
    client: APIClient, settings: Settings, registry: str, told: str, built_by_workers: bool
) -> None:
    settings.DOCKER_REGISTRY, settings.DOCKER_BUILD = registry, built_by_workers
    settings.DOCKER_REGISTRY_PASSWORD = "of workers alone"
    answer = client.get("/v1/images").json()
    assert answer["data"] == {"registry": told, "built_by_workers": built_by_workers}
