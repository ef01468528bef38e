"""`inngest doctor` on a whole server of real processes, with one thing broken after the other."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.test import override_settings
from psycopg.conninfo import make_conninfo

from apps.datastore.sealing import seal_at
from apps.datastore.secrets import place_of
from apps.devserver import fleet
from tests.acceptance.server import Server, free_port
from tests.cli.doctoring import PRODUCTION, UNDONE, all_workers, examine, is_listening, manage
from tests.waiting import wait_for

SECRET = "hQ2v8ZrT5mXc9LwK4bNd7JpY3fGs6RaE"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    whole = Server({"SECRET_KEY": SECRET})
    try:
        whole.start()
        yield whole
    finally:
        whole.close()


@pytest.fixture
def fresh(server: Server) -> Server:
    """Everything runs, but the workers for steps."""
    server.reset()
    with psycopg.connect(server.postgres.url, autocommit=True) as connection:
        connection.execute("DELETE FROM state_worker WHERE queues LIKE 'steps%'")  # killed, and not yet taken for dead
    wait_for(lambda: server.number("SELECT count(*) FROM state_pulse WHERE at > now() - interval '5 s'"), "beat beats")
    return server


def test_a_server_with_everything_has_no_fault(fresh: Server, tmp_path: Path) -> None:
    all_workers(fresh)
    told = examine(fresh, tmp_path)
    assert (told.faults, told.code) == (set(), 0)
    assert told.level("queue steps") == told.level("beat") == told.level("/ready") == "ok"
    assert "PostgreSQL 18" in told.findings["database"]["found"]
    assert "Valkey" in told.findings["broker"]["found"]


def test_a_queue_without_a_worker_is_named_with_the_command_that_starts_one(fresh: Server, tmp_path: Path) -> None:
    told = examine(fresh, tmp_path)
    assert told.code == 1
    assert told.of("queue steps") == (
        "fault",
        "no worker takes from it",
        "celery -A inngest_server worker -P threads -c 2 -Q steps",
    )
    assert told.of("queue events") == ("ok", "1 process", "")
    assert "no worker for steps" in told.findings["/ready"]["found"]


def test_docker_workers_and_their_engines_are_missed_once_steps_wait_for_them(fresh: Server, tmp_path: Path) -> None:
    told = examine(fresh, tmp_path)
    assert told.of("queue steps.docker") == ("skipped", "no worker takes from it; only docker steps need one", "")
    with psycopg.connect(fresh.postgres.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO state_worker (name, queues, started_at, heartbeat_at, faults)"
            " VALUES ('d', 'steps.docker', now(), now() + interval '1 hour', 'docker: there is no engine')"
        )
        told = examine(fresh, tmp_path)
        assert told.of("queue steps.docker") == ("ok", "1 process", "")
        assert told.of("Docker engine")[:2] == ("skipped", "there is no engine; only docker steps need one")
        connection.execute(
            "INSERT INTO state_readyitem (id, queue, function_id, run_id, step_id, attempt, priority, returns)"
            " VALUES (1, 'steps.docker', 1, 'run', 'a', 1, 0, 0)"
        )
        told = examine(fresh, tmp_path)
        assert told.of("Docker engine")[:2] == ("fault", "there is no engine; steps wait")
        assert "docker: steps wait: the Docker engine does not answer" in told.findings["/ready"]["found"]
        connection.execute("DELETE FROM state_worker WHERE name = 'd'")
    level, found, to_do = examine(fresh, tmp_path).of("queue steps.docker")
    assert (level, found) == ("fault", "no worker takes from it, and steps wait")
    assert to_do.endswith("-Q steps.docker")


def test_silence_of_beat_is_a_fault(fresh: Server, tmp_path: Path) -> None:
    fresh.beat.kill()
    with psycopg.connect(fresh.postgres.url, autocommit=True) as connection:
        connection.execute("UPDATE state_pulse SET at = now() - interval '1 hour'")
    level, found, to_do = examine(fresh, tmp_path).of("beat")
    assert (level, found) == ("fault", "last heard of 60 min ago")
    assert "celery -A inngest_server beat --scheduler" in to_do


def test_a_broker_that_is_down_hides_nothing_else(fresh: Server, tmp_path: Path) -> None:
    fresh.valkey.stop()
    told = examine(fresh, tmp_path)
    level, found, _ = told.of("broker")
    assert (level, "cannot be used" in found) == ("fault", True)
    assert told.level("database") == told.level("queue events") == told.level("API") == "ok"


def test_a_database_that_is_down_hides_nothing_else(fresh: Server, tmp_path: Path) -> None:
    fresh.postgres.stop()
    told = examine(fresh, tmp_path)
    assert {"database", "/ready"} <= told.faults
    assert told.level("broker") == "ok"
    assert told.level("workers") == told.level("beat") == told.level("keys") == "skipped"
    assert told.findings.get("token", {"level": "skipped"})["level"] != "fault"


def test_a_database_that_never_answers_is_given_up_and_its_password_kept(fresh: Server, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://inngest:t0psecret@127.0.0.1:{silent.getsockname()[1]}/inngest"
        began = time.monotonic()
        told = examine(fresh, tmp_path, DATABASE_URL=url)
    assert time.monotonic() - began < 15
    assert told.level("database") == "fault"
    assert told.level("broker") == "ok"
    assert "t0psecret" not in told.text


def test_a_broker_that_never_answers_is_given_up_and_its_password_kept(fresh: Server, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        told = examine(fresh, tmp_path, BROKER_URL=f"redis://:t0psecret@127.0.0.1:{silent.getsockname()[1]}/0")
    assert time.monotonic() - began < 18
    assert told.level("broker") == "fault"
    assert told.level("database") == "ok"
    assert "t0psecret" not in told.text


def test_migrations_that_are_not_applied_are_named(fresh: Server, tmp_path: Path) -> None:
    with psycopg.connect(fresh.postgres.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS scratch")
        connection.execute("CREATE DATABASE scratch")
    told = examine(fresh, tmp_path, DATABASE_URL=make_conninfo(fresh.postgres.url, dbname="scratch"))
    level, found, to_do = told.of("migrations")
    assert (level, "migrations not applied" in found) == ("fault", True)
    assert "manage.py migrate" in to_do
    assert told.of("workers")[:2] == ("skipped", "not known before the database is migrated")


def test_signing_keys_that_another_secret_key_sealed_are_a_fault_until_it_is_a_fallback(
    fresh: Server, tmp_path: Path
) -> None:
    key = manage(fresh, "keys", "create-signing-key", "dev", "app")
    assert examine(fresh, tmp_path).of("sealed keys")[:2] == ("ok", "1 signing key, readable with SECRET_KEY")
    other = "Zx8wB3nQ6rT1yU5iO9pL2kJ4hG7fD0sA"
    told = examine(fresh, tmp_path, SECRET_KEY=other)
    level, found, to_do = told.of("sealed keys")
    assert (level, found) == ("fault", "1 of 1 cannot be unsealed with SECRET_KEY: app (dev)")
    assert "SECRET_KEY_FALLBACKS" in to_do
    assert not any(secret in told.text for secret in (key, SECRET, other))
    assert examine(fresh, tmp_path, SECRET_KEY=other, SECRET_KEY_FALLBACKS=SECRET).level("sealed keys") == "ok"


def test_secrets_that_another_secret_key_sealed_are_a_fault_and_not_told(fresh: Server, tmp_path: Path) -> None:
    assert examine(fresh, tmp_path).of("secrets")[:2] == ("ok", "none")
    with psycopg.connect(fresh.postgres.url, autocommit=True) as connection:
        [(dev,)] = connection.execute("SELECT id FROM datastore_environment WHERE slug = 'dev'").fetchall()
        with override_settings(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=[]):
            sealed = seal_at(place_of(dev, "TOKEN"), "hush-hush")
        connection.execute(
            "INSERT INTO datastore_secret (environment_id, name, sealed, size, actor, created_at, updated_at)"
            " VALUES (%s, 'TOKEN', %s, 9, 'ada', now(), now())",
            (dev, sealed),
        )
    assert examine(fresh, tmp_path).of("secrets")[:2] == ("ok", "1 secret, readable with SECRET_KEY")
    told = examine(fresh, tmp_path, SECRET_KEY="Zx8wB3nQ6rT1yU5iO9pL2kJ4hG7fD0sA")
    level, found, to_do = told.of("secrets")
    assert (level, "TOKEN (dev)" in found) == ("fault", True)
    assert "SECRET_KEY_FALLBACKS" in to_do
    assert "hush-hush" not in told.text


def test_an_environment_with_functions_needs_an_event_key_and_somebody_a_token(fresh: Server, tmp_path: Path) -> None:
    with psycopg.connect(fresh.postgres.url, autocommit=True) as connection:
        connection.execute("DELETE FROM datastore_eventkey")
        connection.execute("DELETE FROM datastore_apitoken")
    told = examine(fresh, tmp_path, **PRODUCTION)
    assert told.of("event keys")[:2] == ("warning", "nobody can send events to dev")
    assert "keys create-event-key dev" in told.of("event keys")[2]
    assert told.of("API tokens")[:2] == ("warning", "0 live, 0 revoked: nobody can deploy or look")
    manage(fresh, "keys", "create-event-key", "dev", "web")
    manage(fresh, "keys", "create-api-token", "dev", "ci")
    told = examine(fresh, tmp_path, **PRODUCTION)
    assert told.level("event keys") == told.level("API tokens") == "ok"


def test_a_token_that_was_revoked_is_a_fault_and_a_live_one_says_what_it_opens(fresh: Server, tmp_path: Path) -> None:
    port = free_port()
    fresh.own.start(fleet.web(port, fresh.environment() | PRODUCTION))
    wait_for(lambda: is_listening(port), "the production server answers")
    token = manage(fresh, "keys", "create-api-token", "dev", "laptop")
    production = {**PRODUCTION, "INNGEST_API_URL": f"http://127.0.0.1:{port}", "INNGEST_API_TOKEN": token}
    told = examine(fresh, tmp_path, **production)
    assert told.level("token") == "ok"
    assert "laptop" in told.findings["token"]["found"]
    assert "environment dev, scope " in told.findings["token"]["found"]
    manage(fresh, "keys", "revoke-api-token", token)
    told = examine(fresh, tmp_path, **production)
    assert told.of("token")[:2] == ("fault", "API token not found")
    assert "inngest login" in told.of("token")[2]
    assert token not in told.text


def test_events_and_work_that_nobody_does_are_counted(fresh: Server, tmp_path: Path) -> None:
    fresh.chores.freeze()  # it would consume the events and give the leases back
    try:
        with psycopg.connect(fresh.postgres.url, autocommit=True) as connection:
            connection.execute(UNDONE)
        told = examine(fresh, tmp_path)
    finally:
        fresh.chores.thaw()
    assert told.of("parked events")[:2] == ("warning", "2 events could not be consumed")
    assert told.of("waiting work")[:2] == ("fault", "1 step in queue steps, 1 event, for more than a minute")
    assert told.of("lost leases")[:2] == ("fault", "1 step with a worker that is gone")


def test_settings_are_judged_all_at_once_and_the_rest_is_looked_at_all_the_same(fresh: Server, tmp_path: Path) -> None:
    variables = {"EVENT_MAX_BYTES": "many", "STEP_SLOTS": "0", "SECRET_KEY": "changeme-now", "ALLOWED_HOSTS": "*"}
    told = examine(fresh, tmp_path, INNGEST_DEV="0", **variables)
    assert told.text.count('"name": "settings"') == 2
    assert told.of("SECRET_KEY")[:2] == ("fault", "is a default that everybody knows")
    assert told.level("ALLOWED_HOSTS") == "warning"
    assert told.level("database") == told.level("broker") == told.level("queue events") == "ok"
    assert "changeme-now" not in told.text


def test_an_address_that_cannot_be_read_is_not_quoted(fresh: Server, tmp_path: Path) -> None:
    told = examine(fresh, tmp_path, DATABASE_URL="postgresql://me:t0psecret@[::", INNGEST_DEV="0")
    assert told.findings["settings"]["found"].startswith("DATABASE_URL: not an address")
    assert told.level("database") == "skipped"
    assert told.level("broker") == "ok"
    assert "t0psecret" not in told.text


def test_it_reads_well_in_a_terminal(fresh: Server, tmp_path: Path) -> None:
    import pexpect
    import pyte

    environment = {**fresh.environment(), "INNGEST_API_URL": fresh.url, "TERM": "xterm-256color", "NO_COLOR": ""}
    del environment["NO_COLOR"]
    environment["INNGEST_CONFIG_DIR"] = str(tmp_path)
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "apps.cli.main", "doctor"],
        env=environment,
        cwd=tmp_path,
        dimensions=(60, 80),
        timeout=40,
    )
    terminal.expect(pexpect.EOF)
    terminal.close()
    screen = pyte.Screen(80, 60)
    pyte.ByteStream(screen).feed(terminal.before)
    lines = [line.rstrip() for line in screen.display]
    assert terminal.exitstatus == 1
    row = next(number for number, line in enumerate(lines) if line.startswith("  ✗ queue steps "))
    assert screen.buffer[row][2].fg == "red"
    assert lines[row + 1] == "    → celery -A inngest_server worker -P threads -c 2 -Q steps"
    column = lines[row].index("no worker")
    named = [line for line in lines if line[2:3] in {"✓", "!", "✗", "-"}]
    assert all(line[column - 2 : column].strip() == "" and line[column] != " " for line in named)
    told = next(line for line in reversed(lines) if line)
    assert told.endswith(".")
    assert "fault" in told
