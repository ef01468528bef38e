"""PostgreSQL: whether it can be reached, is up to date, keeps what it is given, and has room for all processes."""

import time
from typing import Any

import psycopg

from apps.cli.doctor.connecting import connect, reason, where
from apps.cli.doctor.finding import Finding, fault, ok, one_of, warning

Connection = psycopg.Connection[tuple[Any, ...]]

LEAST_VERSION = 140000
SKEW_SECONDS = 5.0
MUCH_SKEW_SECONDS = 30.0
"""Beat's messages are good for a minute."""
_SHOWN = 3

_WORKERS = """
SELECT count(*) FROM state_worker WHERE heartbeat_at > clock_timestamp() - make_interval(secs => %s)
"""
_ROOM = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""


def check_database() -> list[Finding]:
    try:
        with connect() as connection:
            return [_version(connection), *_looked_at(connection)]
    except psycopg.Error as error:
        to_do = "is PostgreSQL running, and does DATABASE_URL name it, with the right user and password?"
        return [fault("database", f"{where()} cannot be used: {reason(error)}", to_do)]


def _looked_at(connection: Connection) -> list[Finding]:
    checks = (_migrations, _durability, _autovacuum, _connections, _clock)
    return [check(connection) for check in checks]


def _version(connection: Connection) -> Finding:
    number, info = connection.info.server_version, connection.info
    version = info.parameter_status("server_version") or str(number)
    if number < LEAST_VERSION:
        return fault("database", f"PostgreSQL {version}, {where()}", "PostgreSQL 14 or newer is needed")
    return ok("database", f"PostgreSQL {version.partition(' ')[0]}, {where()}")


def _migrations(connection: Connection) -> Finding:
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    there = connection.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchone()
    recorded = there is not None and there[0]
    rows = connection.execute("SELECT app, name FROM django_migrations").fetchall() if recorded else []
    applied = {(str(app), str(name)) for app, name in rows}
    missing = sorted(key for key in loader.graph.nodes if key not in applied)
    known = {app for app, _ in loader.graph.nodes}
    newer = sorted(key for key in applied - set(loader.disk_migrations or {}) if key[0] in known)
    if missing:
        found = f"{one_of(len(missing), 'migration')} not applied: {_named(missing)}"
        return fault("migrations", found, "python manage.py migrate, before the processes of this version start")
    if newer:
        found = f"{_named(newer)} came from a newer version than this one"
        return warning("migrations", found, "install the version of the server that the others run")
    return ok("migrations", f"all {len(applied)} applied")


def _named(migrations: list[tuple[str, str]]) -> str:
    more = f" and {len(migrations) - _SHOWN} more" if len(migrations) > _SHOWN else ""
    return ", ".join(f"{app} {name}" for app, name in migrations[:_SHOWN]) + more


def _durability(connection: Connection) -> Finding:
    names = ("fsync", "full_page_writes", "synchronous_commit")
    off = [name for name in names if _setting(connection, name) == "off"]
    if off:
        found = f"{', '.join(off)} off: accepted events can be lost when the machine goes down"
        return fault(
            "durability",
            found,
            "; ".join([*(f"ALTER SYSTEM SET {name} = on" for name in off), "SELECT pg_reload_conf()"]),
        )
    return ok("durability", "what is committed is on disk")


def _autovacuum(connection: Connection) -> Finding:
    if _setting(connection, "autovacuum") == "off":
        found = "off: the queue's tables get slower and slower"
        return fault("autovacuum", found, "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()")
    return ok("autovacuum", "on")


def _connections(connection: Connection) -> Finding:
    from django.conf import settings

    row = connection.execute(_ROOM).fetchone()
    room = int(row[0]) if row else 0
    try:
        counted = connection.execute(_WORKERS, (float(settings.LEASE_SECONDS),)).fetchone()
    except psycopg.errors.UndefinedTable:  # not migrated
        counted = None
    processes = (int(counted[0]) if counted else 0) + 2  # web and beat, which have no heartbeat
    pool: int = settings.DATABASE_POOL_SIZE
    most = processes * pool
    found = f"at most {most} ({processes} processes, up to {pool} each), {room} possible"
    if most > room:
        to_do = "a smaller DATABASE_POOL_SIZE, a larger max_connections, or fewer processes"
        return warning("connections", found, to_do)
    return ok("connections", found)


def _clock(connection: Connection) -> Finding:
    asked = time.time()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return skew("clock", "the database", float(row[0]) - (asked + time.time()) / 2)


def skew(name: str, whose: str, seconds: float, tolerance: float = 0.0) -> Finding:
    """What a clock is ahead of this machine's; `tolerance` is how exactly that is known."""
    off = max(abs(seconds) - tolerance, 0.0)
    if off < SKEW_SECONDS:
        return ok(name, f"agrees with {whose}'s" if off < 1 else f"{off:.0f} s from {whose}'s")
    direction = "behind" if seconds > 0 else "ahead of"
    found = f"this machine's is {off:.0f} s {direction} {whose}'s"
    to_do = "let both keep the time by NTP (timedatectl set-ntp true)"
    return fault(name, found, to_do) if off >= MUCH_SKEW_SECONDS else warning(name, found, to_do)


def _setting(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""
