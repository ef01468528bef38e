"""Group commit: requests that arrive while a transaction is in flight share the next one.

One task owns one connection. A request is answered when the transaction that holds its events has committed, with
their ids; or with Refused, and then nothing of it is stored, unless the text says that this is not known.
"""

import asyncio
import logging
import select
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection

from apps.event_api.database import STATEMENT_SECONDS, connect
from apps.event_api.refusals import Refused, Unavailable
from apps.event_stream.appending import append_over
from apps.event_stream.new_event import NewEvent
from apps.state.row_faults import lies_in_a_row

log = logging.getLogger(__name__)

GROUP_EVENTS = 2_000
GROUP_BYTES = 8 << 20
ANSWER_SECONDS = STATEMENT_SECONDS + 1
"""PostgreSQL ends a statement by itself after STATEMENT_SECONDS; when not even that is heard of, it is out of reach."""
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)
FAREWELL_SECONDS = 10.0

_AWAY = "The database is out of reach; the events were not stored"
_UNKNOWN = "The database went away during the commit; whether the events were stored is not known"


class _Request(NamedTuple):
    events: Sequence[NewEvent]
    size: int
    answer: "asyncio.Future[list[str]]"


class Committer:
    """`stored` is told, after each commit, how many events it brought."""

    def __init__(self, stored: Callable[[int], None]) -> None:
        self._stored = stored
        self._queue: deque[_Request] = deque()
        self._arrived = asyncio.Event()
        self._away = False
        self._closing = False
        self._running: asyncio.Task[None] | None = None
        self._given_up: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._running = asyncio.create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Finish what is queued."""
        self._closing = True
        self._arrived.set()
        if self._running is not None:
            _, unfinished = await asyncio.wait({self._running}, timeout=FAREWELL_SECONDS)
            if unfinished:
                self._running.cancel()
        self._refuse_queued()

    def submit(self, events: Sequence[NewEvent], size: int) -> "asyncio.Future[list[str]]":
        """The ids, once committed. Raises Unavailable at once while the database is known to be away."""
        if self._away or self._closing:
            raise Unavailable(_AWAY)
        answer: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Request(events, size, answer))
        self._arrived.set()
        return answer

    async def _run(self) -> None:
        failures = 0
        while not self._closing or self._queue:
            try:
                connection = await connect()
            except (psycopg.Error, OSError) as error:
                if not failures:
                    log.warning("the event API cannot reach the database: %s", error)
                self._away = True
                self._refuse_queued()
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
                continue
            if failures:
                log.warning("the event API has reached the database again")
            failures = 0
            self._away = False
            try:
                await self._commit_groups(connection)
            except _NoAnswerError as error:
                log.warning("the event API gives up a connection to the database: %s", error)
                continue
            except psycopg.Error as error:
                log.warning("the event API lost its connection to the database: %s", error)
            except Exception:
                log.exception("a commit of events failed")
            await connection.close()

    async def _commit_groups(self, connection: AsyncConnection[Any]) -> None:
        """Until the connection is lost, or all is done."""
        while not (self._closing and not self._queue):
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            if _was_closed(connection):
                return
            await self._commit(connection, self._next_group())
            if connection.closed:
                return

    def _next_group(self) -> list[_Request]:
        group = [self._queue.popleft()]
        events, size = len(group[0].events), group[0].size
        while self._queue:
            events += len(self._queue[0].events)
            size += self._queue[0].size
            if events > GROUP_EVENTS or size > GROUP_BYTES:
                break
            group.append(self._queue.popleft())
        return group

    async def _commit(self, connection: AsyncConnection[Any], group: list[_Request]) -> None:
        try:
            ids = await self._append(connection, [event for request in group for event in request.events])
        except Exception as error:
            if not (isinstance(error, psycopg.Error) and lies_in_a_row(error)) or connection.closed:
                _fail(group, _unavailable(error, connection))
                raise
            if len(group) == 1:
                log.warning("the database refuses an event: %s", error)
                _fail(group, Refused(400, f"The database refuses the events: {_first_line(error)}"))
                return
            # Rule 8: the bad request of a group gets its own answer, its neighbours go on.
            try:
                for request in group:
                    await self._commit(connection, [request])
            except Exception as failure:
                _fail(group, _unavailable(failure, connection))  # those that have no answer yet
                raise
            return
        self._stored(len(ids))
        start = 0
        for request in group:
            end = start + len(request.events)
            if not request.answer.done():  # its client may have gone away
                request.answer.set_result(ids[start:end])
            start = end

    async def _append(self, connection: AsyncConnection[Any], events: Sequence[NewEvent]) -> list[str]:
        task = asyncio.create_task(append_over(connection, events))
        done, _ = await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        if not done:
            # Everybody gets an answer now; psycopg may need seconds more to end the statement.
            ending = asyncio.create_task(_let_go(connection, task))
            self._given_up.add(ending)
            ending.add_done_callback(self._given_up.discard)
            raise _NoAnswerError(f"not heard of for {ANSWER_SECONDS} s")
        return task.result()

    def _refuse_queued(self) -> None:
        _fail(self._queue, Unavailable(_AWAY))
        self._queue.clear()


class _NoAnswerError(Exception):
    """PostgreSQL is silent; the connection is another task's to close."""


async def _let_go(connection: AsyncConnection[Any], task: "asyncio.Task[list[str]]") -> None:
    """Close a connection once psycopg has done with it: before that, its socket's number must not be used again."""
    task.cancel()
    await asyncio.wait({task})
    await connection.close()


def _fail(requests: "Sequence[_Request] | deque[_Request]", fault: Refused) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(fault)


def _was_closed(connection: AsyncConnection[Any]) -> bool:
    """Whether the server has hung up while nothing was going on: then what is queued has surely not been sent."""
    incoming = select.poll()
    incoming.register(connection.pgconn.socket, select.POLLIN)
    try:
        # A farewell, or a notice that means nothing; behind a farewell there is the end of the stream.
        while incoming.poll(0):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return connection.closed


def _unavailable(error: Exception, connection: AsyncConnection[Any]) -> Unavailable:
    """A fault that the server reports on a connection that goes on has rolled everything back."""
    if isinstance(error, psycopg.Error) and error.sqlstate and not connection.closed:
        return Unavailable(f"The events were not stored: {_first_line(error)}")
    return Unavailable(_UNKNOWN)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
