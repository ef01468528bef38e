"""What the server's settings say to the drivers, which know no Django."""

from django.conf import settings

from drivers.settings import DockerSettings, DriverSettings, WasmSettings, configure


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
            build_memory_bytes=settings.DOCKER_BUILD_MEMORY_BYTES,
            build_network=settings.DOCKER_BUILD_NETWORK,
            image_days=settings.DOCKER_IMAGE_DAYS,
            memory_bytes=settings.DOCKER_MEMORY_BYTES,
            memory_max_bytes=settings.DOCKER_MEMORY_MAX_BYTES,
            cpus=settings.DOCKER_CPUS,
            cpus_max=settings.DOCKER_CPUS_MAX,
            pids=settings.DOCKER_PIDS,
            pids_max=settings.DOCKER_PIDS_MAX,
            tmp_bytes=settings.DOCKER_TMP_BYTES,
        ),
        wasm=WasmSettings(
            cache_max_bytes=settings.WASM_CACHE_MAX_BYTES,
            compile_seconds=settings.WASM_COMPILE_SECONDS,
            compile_memory_bytes=settings.WASM_COMPILE_MEMORY_BYTES,
        ),
        cpu_slots=settings.CPU_SLOTS,
    )
