"""One HTTP/1.1 request and its answer over a connection. The parsing is llhttp's, Node's own parser."""

import zlib
from dataclasses import dataclass, field

import httptools

from drivers.http_connections import Connection

_CHUNK = 65536
_MOST_HEADERS = 256 * 1024
_MOST_BESIDE_BODY = 256 * 1024
_BESIDE_A_BYTE = 16
"""How many bytes about its chunks a byte of a body may bring: one in a chunk of its own comes with five."""


class BadAnswer(Exception):
    """What came back is not a whole HTTP answer."""


class NoAnswer(BadAnswer):
    """The connection ended before a single byte of an answer."""


@dataclass(slots=True)
class Answer:
    status: int
    reason: str
    headers: dict[str, str]
    """Names in lower case; of one that came twice, the last."""
    body: bytes
    """Decoded, and longer than the limit if the whole is."""
    reusable: bool
    """Whether the connection may carry another request."""
    repeated: list[tuple[str, str]] = field(default_factory=list)
    """Of headers that came more than once, all values but the last."""


def exchange(connection: Connection, head: bytes, body: bytes, limit: int) -> Answer:
    """Send a request, read its answer, and no more than a little over ``limit`` bytes of its body.

    Raises OSError, BadAnswer.
    """
    reading = _Reading(bodiless=head.startswith(b"HEAD "))
    parser = httptools.HttpResponseParser(reading)
    reading.parser = parser
    try:
        connection.socket.sendall(head + body)
        while not reading.complete and reading.size <= limit:
            data = connection.socket.recv(_CHUNK)
            if not data:
                reading.end()
                break
            reading.received(data)
            parser.feed_data(data)
            reading.parsed(data)
    except httptools.HttpParserUpgrade:  # which is no HttpParserError
        if not reading.complete:
            raise BadAnswer("it wants to change protocols") from None
    except httptools.HttpParserError as fault:
        if not reading.complete:
            raise BadAnswer(f"the answer is not HTTP: {fault}") from None
    except OSError as fault:
        if reading.started:
            raise
        raise NoAnswer(str(fault.strerror or fault)) from fault
    return Answer(
        reading.status,
        reading.reason.decode("latin-1"),
        reading.headers,
        _decoded(b"".join(reading.body), reading.headers.get("content-encoding", ""), limit),
        reading.complete and reading.reusable,
        reading.repeated,
    )


@dataclass(slots=True)
class _Reading:
    """What the parser has told so far."""

    bodiless: bool = False
    """Whether the answer ends with its headers, even if they name a length."""
    parser: httptools.HttpResponseParser | None = None
    started: bool = False
    status: int = 0
    reason: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    size: int = 0
    head_size: int = 0
    beside_body: int = 0
    """How many bytes of late came without more of the body: trailers, and the extensions of chunks."""
    size_before: int = 0
    in_body: bool = False
    complete: bool = False
    reusable: bool = False

    def received(self, data: bytes) -> None:
        self.started = True
        if not self.in_body:
            self.head_size += len(data)
            if self.head_size > _MOST_HEADERS:
                raise BadAnswer("the answer's headers do not end")

    def parsed(self, data: bytes) -> None:
        """Counts what the data was besides the body, which `size` bounds already."""
        grown, self.size_before = self.size - self.size_before, self.size
        if self.complete or not self.in_body:
            return
        self.beside_body = max(0, self.beside_body + len(data) - grown * (1 + _BESIDE_A_BYTE))
        if self.beside_body > _MOST_BESIDE_BODY:
            raise BadAnswer("the answer's body does not go on, nor end")

    def end(self) -> None:
        """The other side closed: the end of a body that has no length, else a fault."""
        if not self.started:
            raise NoAnswer("the server closed the connection without an answer")
        unbounded = "content-length" not in self.headers and "transfer-encoding" not in self.headers
        if not (self.in_body and unbounded):
            raise BadAnswer("the server closed the connection in the middle of its answer")

    def on_message_begin(self) -> None:
        if self.complete:  # more than was asked for
            self.reusable = False

    def on_status(self, status: bytes) -> None:
        if not self.complete:
            self.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.complete and not self.in_body:
            key = name.decode("latin-1").lower()
            if key in self.headers:
                self.repeated.append((key, self.headers[key]))
            self.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.complete or self.parser is None:
            return
        self.status = self.parser.get_status_code()
        self.in_body = self.status >= 200
        if self.in_body and self.bodiless:
            self.complete = True  # but not reusable: the parser, which knows no HEAD, is lost from here on

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self.body.append(body)
            self.size += len(body)

    def on_message_complete(self) -> None:
        if self.complete or self.parser is None:
            return
        if self.status < 200:  # "continue", "early hints": the answer proper follows
            self.reason, self.headers, self.repeated = b"", {}, []
            return
        self.complete = True
        self.reusable = self.parser.should_keep_alive()


def _decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a content encoding that we did not ask for, no further than the limit: it may be a bomb."""
    if encoding.lower() in ("", "identity") or not body:
        return body
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer(f"the answer is encoded as {encoding!r}, though none was asked for")
    inflater = zlib.decompressobj(wbits=47)
    try:
        text = inflater.decompress(body, limit + 1)
    except zlib.error as fault:
        raise BadAnswer(f"the answer's {encoding} encoding is broken: {fault}") from None
    if not inflater.eof and len(text) <= limit < limit + 1 and len(body) <= limit:
        raise BadAnswer(f"the answer's {encoding} encoding is cut short")
    return text
