"""The Event API as a small ASGI application: `/e/<key>`, `/health` and `/ready`, without Django's request machinery."""

import logging
from collections.abc import Mapping

import msgspec
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.datastore.environments import HEADER
from apps.event_api import cors, seeds
from apps.event_api.bell import ConsumerBell
from apps.event_api.body import Body, ClientGone
from apps.event_api.committing import Committer
from apps.event_api.keys import Keyring
from apps.event_api.limits import read_limits
from apps.event_api.parsing import parse_events
from apps.event_api.readiness import Readiness
from apps.event_api.refusals import Refused
from apps.event_api.room import Room
from apps.event_api.wire import Answer, Headers, Receive, Scope, Send, error_answer, json_answer, send_answer

log = logging.getLogger(__name__)

PREFIX = "/e/"
_READ_ONLY = (b"allow", b"GET, HEAD")
_ENVIRONMENT = HEADER.encode()
_encode = msgspec.json.Encoder().encode
_JSON: Headers = [(b"content-type", b"application/json")]


def is_ours(path: str) -> bool:
    """Whether this application answers for the path; Django does for all others."""
    return path.startswith(PREFIX) or path in {"/e", "/health", "/ready"}


class EventApi:
    """One per process, started and stopped in the event loop that serves it."""

    def __init__(self) -> None:
        self.limits = read_limits()
        self.keyring = Keyring()
        self.committer = Committer(ConsumerBell().events_stored)
        self._bodies = Room(self.limits.queue_bytes, "bytes of events")
        self._queue = Room(self.limits.queue_events, "events")
        self._readiness = Readiness()
        kind = b"dev" if settings.INNGEST_DEV else b"cloud"
        self._always: Headers = [(b"x-inngest-server-kind", kind)]
        self._always_to_pages: Headers = [*self._always, *cors.ANY_ORIGIN]

    async def start(self) -> None:
        self.committer.start()
        await self.keyring.start()

    async def stop(self) -> None:
        """Answers what has been accepted, then lets go of the database."""
        await self.committer.stop()
        await self.keyring.stop()
        self._readiness.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path in {"/health", "/ready"}:
            await send_answer(send, await self._answer_probe(scope), self._always)
            return
        try:
            answer = await self._answer_sender(scope, receive)
        except Refused as refusal:
            answer = error_answer(refusal.status, refusal.text)
        except ClientGone:
            return
        except Exception:
            log.exception("the event API failed")
            answer = error_answer(500, "The server failed; its log says why")
        await send_answer(send, answer, self._always_to_pages)

    async def _answer_sender(self, scope: Scope, receive: Receive) -> Answer:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        method = scope["method"]
        if method == "OPTIONS":
            return cors.preflight(headers)
        if method != "POST":
            return error_answer(405, f"{method} is not allowed here: POST events", (b"allow", cors.METHODS))
        key = scope["path"][len(PREFIX) :].rstrip("/")
        if "/" in key:
            return error_answer(404, "There is nothing here: POST to /e/<event key>")
        environment_id = self.keyring.environment_of(key, _text(headers.get(_ENVIRONMENT)))
        body = Body(self._bodies, self.limits.request_bytes)
        try:
            text = await body.read(headers, receive)
            events = parse_events(text, environment_id, seeds.read_seed(headers.get(seeds.HEADER)), self.limits)
            self._queue.take(len(events))
            try:
                ids = await self.committer.submit(events, len(text))
            finally:
                self._queue.give_back(len(events))
        finally:
            body.close()
        return Answer(200, b'{"ids":%b,"status":200}' % _encode(ids), _JSON)

    async def _answer_probe(self, scope: Scope) -> Answer:
        if settings.INNGEST_DEV and not _is_loopback(scope):
            return error_answer(400, "In dev mode the server answers to loopback host names only")
        if scope["method"] not in {"GET", "HEAD"}:
            return error_answer(405, f"{scope['method']} is not allowed here", _READ_ONLY)
        if scope["path"] == "/health":
            return json_answer(200, {"status": 200, "message": "OK"})
        return await self._readiness.look()


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _is_loopback(scope: Scope) -> bool:
    """Whether the request names this machine as its owner would, not as a page with a rebound DNS name does."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
