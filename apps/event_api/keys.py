"""Which environment an event key opens: known by heart, read anew every second, never asked for by a request."""

import asyncio
import logging
from typing import Any

from django.conf import settings
from psycopg import AsyncConnection

from apps.datastore.environments import (
    BRANCH,
    BRANCH_ENVIRONMENTS,
    NoBranchError,
    check_name,
    no_such_branch,
    slug_of_branch,
)
from apps.datastore.keys import ENVIRONMENT_BY_SLUG, LIVE_EVENT_KEYS, digest_of
from apps.event_api.database import connect
from apps.event_api.refusals import Refused, Unavailable

log = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0
READ_SECONDS = 5.0
DEV_ENVIRONMENT = "dev"


class Keyring:
    """The live keys' digests. While the database is away the last known ones go on."""

    def __init__(self) -> None:
        self._environments: dict[str, int] = {}
        self._branches: dict[str, int] = {}
        """The parent of the branch environments and its children, by slug."""
        self._dev_environment: int | None = None
        self._loaded = False
        self._failing = False
        self._tried = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._connection: AsyncConnection[Any] | None = None

    async def start(self) -> None:
        """Returns when the keys have been read for the first time, or could not be."""
        self._running = asyncio.create_task(self._refresh_forever(), name="keyring")
        await self._tried.wait()

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        await self._disconnect()

    def environment_of(self, key: str, branch: str | None = None) -> int:
        """The id of the environment that the key opens; in dev mode every key opens `dev`. Raises Refused.

        `branch` is what `x-inngest-env` says. It decides with a key of the branch environments, and only with that: the
        SDKs send it unasked wherever they find a git branch's name.
        """
        if not key:
            raise Refused(401, "The event key is missing: POST to /e/<event key>")
        if not self._loaded:
            raise Unavailable("The event keys could not be read yet: the database is out of reach")
        environment = self._dev_environment if settings.INNGEST_DEV else self._environments.get(digest_of(key))
        if environment is None:
            raise Refused(401, "Event key not found")
        if environment == self._branches.get(BRANCH):
            return self._child(branch)
        return environment

    def _child(self, branch: str | None) -> int:
        try:
            name = check_name(branch)
        except NoBranchError as error:
            raise Refused(400, str(error)) from error
        child = self._branches.get(slug_of_branch(name))
        if child is None:
            raise Refused(400, no_such_branch(name))
        return child

    async def _refresh_forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    await self._read()
                self._failing = False
            except Exception as error:  # whatever it is, the next look must come
                if not self._failing:
                    log.warning("the event keys cannot be read, the last known ones go on: %s", error)
                self._failing = True
                await self._disconnect()
            self._tried.set()
            await asyncio.sleep(REFRESH_SECONDS)

    async def _read(self) -> None:
        if self._connection is None:
            self._connection = await connect()
        if settings.INNGEST_DEV:
            row = await (await self._connection.execute(ENVIRONMENT_BY_SLUG, (DEV_ENVIRONMENT,))).fetchone()
            self._dev_environment = row[0] if row else None
        else:
            branches = await self._connection.execute(BRANCH_ENVIRONMENTS, (BRANCH,))
            self._branches = dict(await branches.fetchall())
            self._environments = dict(await (await self._connection.execute(LIVE_EVENT_KEYS)).fetchall())
        self._loaded = True

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
