"""As much of HTTP/1.1 as the load generator and the local app need: both share the cores with what they measure."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "  # as granian and the http driver write it


def whole(data: bytes) -> int:
    """The length of the message that `data` begins with; 0 as long as it is not all there."""
    head = data.find(_END)
    if head < 0:
        return 0
    at = data.find(_LENGTH, 0, head)
    length = int(data[at + len(_LENGTH) : data.index(b"\r", at)]) if at >= 0 else 0
    end = head + len(_END) + length
    return end if len(data) >= end else 0


def post(path: str, body: bytes) -> bytes:
    """A whole request, ready to be sent many times."""
    return f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def answer(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """A whole answer; `headers` are lines, each with its end."""
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b" % (
        status,
        headers,
        len(body),
        body,
    )
