"""Doctor's own connections to PostgreSQL: apart from Django's pool, and quick to give up."""

import os
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from apps.cli.doctor.finding import Finding, skipped, warning

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 3


def connect() -> "psycopg.Connection[tuple[Any, ...]]":
    """In autocommit, read-only, to the database of DATABASE_URL. Raises psycopg.Error."""
    target = conninfo_to_dict(os.environ["DATABASE_URL"])
    target["connect_timeout"] = CONNECT_SECONDS
    target.setdefault("dbname", "inngest")
    target["options"] = (
        f"-c statement_timeout={STATEMENT_SECONDS}s -c default_transaction_read_only=on"
        f" -c jit=off -c lock_timeout={STATEMENT_SECONDS}s"
    )
    target.setdefault("application_name", "inngest doctor")
    return psycopg.connect(**target, autocommit=True)  # type: ignore[arg-type]


def where() -> str:
    """The database as people name it."""
    target = conninfo_to_dict(os.environ["DATABASE_URL"])
    host = str(target.get("host") or "localhost")
    port = f":{target['port']}" if target.get("port") else ""
    return f"{target.get('dbname') or 'inngest'} at {host}{port}"


def reason(error: BaseException) -> str:
    """The first line of what a driver says."""
    return " ".join(str(error).partition("\n")[0].split()) or type(error).__name__


def not_known(name: str, error: psycopg.Error) -> list[Finding]:
    """What a check says that could not read; of what is wrong with the database itself its own check tells."""
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return [skipped(name, "not known before the database is migrated")]
    if error.sqlstate is None:  # it was not reached
        return [skipped(name, "not known without the database")]
    return [warning(name, f"could not be read: {reason(error)}", "look at the database's log")]
