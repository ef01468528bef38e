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


def test_a_slow_answer_is_not_taken_for_a_clock_that_is_wrong(tmp_path: Path) -> None:
    with answering(KIND, seconds_late=3.5) as url:
        told = doctor({**plain(), "INNGEST_API_URL": url}, tmp_path)
    assert told.of("API's clock")[1] == "agrees with the server's"


def test_something_else_at_the_address_is_a_fault(tmp_path: Path) -> None:
    with answering() as url:
        told = doctor({**plain(), "INNGEST_API_URL": url}, tmp_path)
    assert told.of("API")[:2] == ("fault", f"{url} is not an Inngest server")


def test_away_from_a_server_only_the_api_is_looked_at(tmp_path: Path) -> None:
    port = free_port()
    told = doctor({**plain(), "INNGEST_API_URL": f"http://127.0.0.1:{port}"}, tmp_path)
    assert told.faults == {"API"}
    assert set(told.findings) == {"server", "API"}
    assert told.of("server") == ("skipped", "not on a server: DATABASE_URL is not set", "")
    assert "inngest doctor" not in told.text


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
    assert told.findings["server"]["found"].endswith("the dev server of .inngest does not run")


def test_a_dev_server_on_another_port_is_found_by_its_folder(tmp_path: Path) -> None:
    with locked(tmp_path / ".inngest") as data, answering(KIND) as url:
        (data / "address").write_text(f"{url}\n")
        told = doctor(plain(), tmp_path)
    assert told.findings["API"]["found"].startswith(f"{url}, ")
    level, found, to_do = told.of("address")
    assert (level, url in found) == ("warning", True)
    assert f"export INNGEST_API_URL={url}" in to_do


def test_a_dev_server_whose_web_process_is_silent_is_a_fault(tmp_path: Path) -> None:
    url = f"http://localhost:{free_port()}"
    with locked(tmp_path / ".inngest") as data:
        (data / "address").write_text(f"{url}\n")
        told = doctor(plain(), tmp_path)
    assert told.of("API")[:2] == ("fault", f"{url} refuses the connection")
