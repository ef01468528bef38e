"""From `inngest deploy` to a container elsewhere: what is built here is pushed, and a worker pulls it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.fleet import Fleet
from tests.acceptance.server import free_port
from tests.cli.boxes import is_there, names_of, write_box
from tests.cli.servers import WholeServer
from tests.cli.shops import Shop
from tests.cli.terminal import environment
from tests.docker_registry import PASSWORD, USER, Registry
from tests.waiting import wait_for

pytestmark = pytest.mark.docker


@pytest.fixture
def shop(
    server: WholeServer, docker_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """Of somebody who has logged in to the registry, with a server and a worker that know it. None builds images."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "DOCKER_REGISTRY": docker_registry.name,
        "DOCKER_REGISTRY_USERNAME": USER,
        "DOCKER_REGISTRY_PASSWORD": PASSWORD,
        "DOCKER_BUILD": "0",
    }
    fleet, port = Fleet(tmp_path, {**server.environment(), **settings}), free_port()
    try:
        fleet.web(port)
        worker = fleet.worker("box", "steps.docker")
        variables = {"INNGEST_API_URL": f"http://127.0.0.1:{port}", **docker_registry.log_in(tmp_path / "docker")}
        shop = Shop(tmp_path, environment(tmp_path, variables))
        wait_for(lambda: shop.inngest("whoami").code == 0, "the web server answers")
        server.wait_working(worker)
        yield shop
    finally:
        fleet.kill()


def test_what_was_deployed_here_runs_where_it_was_never_built(
    shop: Shop, server: WholeServer, docker_engine: Any, docker_registry: Registry, busybox_image: str
) -> None:
    write_box(shop, "mail", busybox_image)
    (name,) = names_of(shop, docker_registry.name)
    said = shop.done("deploy", "shop")
    assert "mail   built in" in said
    assert "s, pushed in" in said
    assert "is live in" in said
    docker_engine.remove_image(name, force=True)
    (event,) = server.send([{"name": shop.id_of("mail"), "data": {}}])
    run = server.wait_run(event, "Completed")
    assert server.ask(f"/v1/runs/{run}")["data"]["output"] == 5
    assert is_there(docker_engine, name)
