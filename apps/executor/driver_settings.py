"""What the server's settings say to the drivers, which know no Django."""

from django.conf import settings

from drivers.settings import DockerSettings, DriverSettings, configure


def configure_drivers() -> None:
    """Hand the settings over. Called when a worker begins, before any step runs in it."""
    configure(driver_settings())


def driver_settings() -> DriverSettings:
    return DriverSettings(
        private_networks=tuple(settings.PRIVATE_NETWORKS),
        docker=DockerSettings(
            host=settings.DOCKER_HOST,
            network=settings.DOCKER_NETWORK,
            pull=settings.DOCKER_PULL,
            registry=settings.DOCKER_REGISTRY,
            registry_username=settings.DOCKER_REGISTRY_USERNAME,
            registry_password=settings.DOCKER_REGISTRY_PASSWORD,
            build=settings.DOCKER_BUILD,
            build_seconds=settings.DOCKER_BUILD_SECONDS,
            memory_bytes=settings.DOCKER_MEMORY_BYTES,
            memory_max_bytes=settings.DOCKER_MEMORY_MAX_BYTES,
            cpus=settings.DOCKER_CPUS,
            cpus_max=settings.DOCKER_CPUS_MAX,
            pids=settings.DOCKER_PIDS,
            pids_max=settings.DOCKER_PIDS_MAX,
            tmp_bytes=settings.DOCKER_TMP_BYTES,
        ),
    )
