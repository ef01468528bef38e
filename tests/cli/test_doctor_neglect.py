"""`inngest doctor` on a server that somebody has set up badly: it is looked at once, and each fault is named."""

from contextlib import ExitStack

import psycopg
import pytest
import redis

from tests.cli.doctoring import Diagnosis, examine
from tests.cli.servers import WholeServer
from tests.waiting import wait_for

_TASK = "UPDATE django_celery_beat_periodictask SET enabled = %s WHERE name = 'consume events'"
_NEWER = "INSERT INTO django_migrations (app, name, applied) VALUES ('state', '9999_new', now())"


@pytest.fixture(scope="module")
def neglected(server: WholeServer, tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    """What it says of a database, a broker and a beat with one fault each."""
    with ExitStack() as undo:
        broker = undo.enter_context(redis.Redis(unix_socket_path=str(server.valkey.socket)))
        broker.config_set("maxmemory-policy", "allkeys-lru")
        undo.callback(broker.config_set, "maxmemory-policy", "noeviction")
        connection = undo.enter_context(psycopg.connect(server.postgres.url, autocommit=True))
        connection.execute(_NEWER)
        undo.callback(connection.execute, "DELETE FROM django_migrations WHERE name = '9999_new'")
        connection.execute(_TASK, (False,))
        undo.callback(connection.execute, _TASK, (True,))
        undo.callback(connection.execute, "SELECT pg_reload_conf()")
        undo.callback(connection.execute, "ALTER SYSTEM RESET ALL")
        for name in ("autovacuum", "fsync"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
        wait_for(lambda: connection.execute("SHOW autovacuum").fetchone() == ("off",), "the settings are read")
        return examine(server, tmp_path_factory.mktemp("neglected"), DATABASE_POOL_SIZE="500")


@pytest.fixture(scope="module")
def odd(server: WholeServer, tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    """What it says of settings with one fault each."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "file").write_text("", encoding="utf-8")
    return examine(
        server,
        folder,
        DATABASE_URL="postgresql://me@database.invalid/inngest",
        BROKER_URL="memory://",
        INNGEST_CACHE_DIR=str(folder / "file" / "cache"),
    )


def test_migrations_of_a_newer_version_are_a_warning(neglected: Diagnosis) -> None:
    assert neglected.of("migrations")[:2] == ("warning", "state 9999_new came from a newer version than this one")


def test_a_broker_that_drops_messages_is_a_warning(neglected: Diagnosis) -> None:
    level, found, to_do = neglected.of("broker's memory")
    assert (level, "allkeys-lru" in found) == ("warning", True)
    assert to_do == "CONFIG SET maxmemory-policy noeviction"


def test_a_database_that_is_not_set_up_for_the_work_is_a_fault(neglected: Diagnosis) -> None:
    assert {"autovacuum", "durability"} <= neglected.faults
    assert neglected.of("durability")[2] == "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()"
    assert neglected.of("connections")[0] == "warning"
    assert "up to 500 each" in neglected.of("connections")[1]


def test_a_task_of_beat_that_was_disabled_is_a_fault(neglected: Diagnosis) -> None:
    assert neglected.of("beat's tasks")[:2] == ("fault", "disabled: consume events")


def test_dev_mode_on_a_database_elsewhere_is_a_warning(odd: Diagnosis, neglected: Diagnosis) -> None:
    assert odd.level("INNGEST_DEV") == "warning"
    assert neglected.findings.get("INNGEST_DEV") is None


def test_a_cache_folder_that_cannot_be_made_is_a_warning(odd: Diagnosis) -> None:
    assert odd.level("cache folder") == "warning"


def test_a_broker_that_processes_cannot_share_is_a_fault(odd: Diagnosis) -> None:
    assert odd.level("broker") == "fault"
