"""`inngest doctor` where no server is, beside a dev server, and about a server elsewhere."""

from pathlib import Path

import pytest

from apps.devserver.datafolder import locked, secret_key
from apps.devserver.postgres import Postgres
from apps.devserver.valkey import Valkey
from tests.acceptance.server import free_port
from tests.cli.doctoring import answering, doctor, plain

KIND = {"X-Inngest-Server-Kind": "cloud"}


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (12, "warning"), (-12, "warning"), (3_600, "fault")])
def test_the_clocks_of_both_ends_are_compared(ahead: int, level: str, tmp_path: Path) -> None:
    with answering(KIND, seconds_ahead=ahead) as url:
        told = doctor({**plain(), "INNGEST_API_URL": url}, tmp_path)
    assert told.level("API's clock") == level
    if ahead == 3_600:
        assert told.findings["API's clock"]["found"].endswith("s behind the server's")


def test_something_else_at_the_address_is_a_fault(tmp_path: Path) -> None:
    with answering() as url:
        told = doctor({**plain(), "INNGEST_API_URL": url}, tmp_path)
    assert told.of("API")[:2] == ("fault", f"{url} is not an Inngest server")


def test_away_from_a_server_only_the_api_is_looked_at(tmp_path: Path) -> None:
    port = free_port()
    told = doctor({**plain(), "INNGEST_API_URL": f"http://127.0.0.1:{port}"}, tmp_path)
    assert told.faults == {"API"}
    for name in ("configuration", "database", "broker", "workers", "beat", "keys"):
        assert told.of(name) == ("skipped", "not on a server: DATABASE_URL is not set", "")


def test_a_running_dev_server_is_looked_at_by_its_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("d")
    with locked(folder / ".inngest") as data:
        postgres, valkey = Postgres(data / "postgres"), Valkey(data / "valkey")
        secret_key(data)
        try:
            postgres.start()
            valkey.start()
            told = doctor(plain(), folder)
        finally:
            valkey.stop()
            postgres.stop()
    assert told.level("database") == told.level("broker") == "ok"
    assert "dev mode" in told.findings["settings"]["found"]
    assert told.level("migrations") == "fault"
    told = doctor(plain(), folder)
    assert told.findings["database"]["found"].endswith("the dev server of .inngest does not run")
