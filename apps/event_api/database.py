"""The Event API's own connections to PostgreSQL: asynchronous, apart from Django's pool, and quick to give up."""

from typing import Any

from django.db import connections
from psycopg import AsyncConnection

CONNECT_SECONDS = 2
STATEMENT_SECONDS = 5


async def connect() -> AsyncConnection[Any]:
    """A connection in autocommit to the database that Django uses. Raises psycopg.OperationalError."""
    target = connections["default"].settings_dict
    parameters = {
        "dbname": target["NAME"],
        "user": target["USER"],
        "password": target["PASSWORD"],
        "host": target["HOST"],
        "port": target["PORT"],
    }
    options = {name: value for name, value in target["OPTIONS"].items() if name not in _DJANGOS_OWN}
    options["options"] = f"-c jit=off -c statement_timeout={STATEMENT_SECONDS}s"
    options.setdefault("application_name", "inngest event api")
    options["connect_timeout"] = CONNECT_SECONDS
    return await AsyncConnection.connect(
        **{name: value for name, value in (parameters | options).items() if value}, autocommit=True
    )


_DJANGOS_OWN = frozenset(
    {"pool", "server_side_binding", "prepare_threshold", "options", "isolation_level", "assume_role"}
)
