"""How a secret may be written in what a step puts out: as it is, quoted, encoded, or line by line."""

import base64
import html
from collections.abc import Iterable, Iterator
from itertools import chain
from urllib.parse import quote, quote_plus

import msgspec

LEAST_CHARS = 6
"""What is shorter stands in too many words that are no secret."""
_LEAST_ENCODED = 8
_MOST_ENCODED = 4 * 1024
"""What is longer is a file, a certificate say, which nobody puts into an address."""
MOST_FORMS = 10_000
"""Of all values together: what is looked for longer than that would hold up others. The values themselves, then what is
likely: their lines come last."""


def forms_of(variables: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every text to be looked for, with the name of its variable, which may have had several values; of a text that
    several share, the first one's."""
    values = [(name, value) for name, value in sorted(variables) if len(value) >= LEAST_CHARS]
    found: dict[str, str] = {}
    for kind in (_itself, _quoted, _encoded, _lines):
        for name, form in chain.from_iterable(((name, form) for form in kind(value)) for name, value in values):
            if len(found) >= MOST_FORMS:
                return found
            if len(form) >= LEAST_CHARS:
                found.setdefault(form, name)
    return found


def in_json(text: str) -> bytes:
    """The text between its quotes, as `json_redaction.canonical` has it."""
    return msgspec.json.encode(text)[1:-1]


def _itself(value: str) -> Iterator[str]:
    yield value
    yield value.strip()


def _quoted(value: str) -> Iterator[str]:
    """As in a log that shows JSON, of Python, JavaScript, PHP or Go, once or twice; and as Python's `repr`."""
    quoted = in_json(value).decode()
    in_ascii = _in_ascii(quoted, "04x")
    for text in (quoted, in_ascii, _in_ascii(quoted, "04X")):
        yield text
        yield text.replace("/", "\\/")
        yield text.translate(_OF_GO)
    yield in_json(quoted).decode()
    yield in_json(in_ascii).decode()
    yield repr(value)[1:-1]
    yield html.escape(value)


def _encoded(value: str) -> Iterator[str]:
    """In addresses, and in base64, where three bytes are four letters: so it depends on what stands before it."""
    if len(value) > _MOST_ENCODED:
        return
    for address in (quote_plus(value), *(quote(value, safe=safe) for safe in _LEFT_ALONE)):
        yield address
        yield _lower_hex(address)
    data = value.encode()
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data).rstrip(b"=").decode()
        # The letters that the value alone decides.
        own = coded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(own) >= _LEAST_ENCODED:
            yield own
            yield own.translate(_URL_SAFE)


def _lines(value: str) -> Iterator[str]:
    """Of a key in PEM, say: a log may have something before each line."""
    for line in value.splitlines():
        yield line.strip()


_OF_GO = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_LEFT_ALONE = ("", "/", "!'()*", ";/?:@&=+$,#!'()*", "*")
"""What stays as it is: of Python's `quote`, in two ways, of JavaScript's `encodeURIComponent` and `encodeURI`, and in
forms."""
_URL_SAFE = str.maketrans("+/", "-_")


def _in_ascii(text: str, number: str) -> str:
    """Everything above ASCII as numbers of four digits; two for a character such as an emoji."""
    units = text.encode("utf-16-be", "surrogatepass")
    pairs = (int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:{number}}" for unit in pairs)


def _lower_hex(address: str) -> str:
    head, *rest = address.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)
