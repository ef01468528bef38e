"""Redact: the values of a step's variables, taken out of what it gave back before anything of it is kept or shown."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import islice

from apps.executor.json_redaction import Place, canonical, places_in_json
from apps.executor.needles import Needles
from apps.executor.secret_forms import LEAST_CHARS, forms_of, in_json
from drivers.contract import Call, Outcome, StepError

MOST_PLACES = 20_000
"""A text with more of them is redacted as a whole."""
MANY = f"[redacted: it holds secrets in more than {MOST_PLACES:,} places]"
_STARS = "***"
"""Shorter than any value: with it no text grows beyond its limit."""
_CUT = re.compile(rb"\n?\[the log ends here: [^\n]*\Z|\xe2\x80\xa6\Z")
"""What drivers put behind a log, or a message, that they have cut."""
_KEPT_SETS = 32


def redact(outcome: Outcome, call: Call) -> Outcome:
    """The outcome with `[redacted NAME]` where a value of the call's variables was. Never raises for what a step does.

    Values of less than LEAST_CHARS characters stay: they stand in too many words.
    """
    if not call.env:
        return outcome
    redactor = _redactor(frozenset(call.env.items()))
    output_bytes, log_bytes = call.limits.output_bytes, call.limits.log_bytes
    return replace(
        outcome,
        output=None if outcome.output is None else redactor.json(outcome.output, output_bytes),
        log=redactor.text(outcome.log, log_bytes),
        error=None if outcome.error is None else redactor.error(outcome.error, log_bytes),
    )


class Redactor:
    """For one set of variables."""

    def __init__(self, variables: Iterable[tuple[str, str]]) -> None:
        self._forms = forms_of(dict(variables))
        self._in_text = Needles({_bytes(form): name for form, name in self._forms.items()})

    @cached_property
    def _in_json(self) -> Needles:
        return Needles({in_json(form): name for form, name in self._forms.items()})

    def text(self, text: str, most: int) -> str:
        """A log, or a message, which grows to so many bytes at most."""
        data = _bytes(text)
        spans = list(islice(self._in_text.find(data), MOST_PLACES + 1))
        if len(spans) > MOST_PLACES:
            return MANY
        cut = _CUT.search(data)
        if cut is not None and (rest := self._in_text.unfinished(data, cut.start(), LEAST_CHARS)):
            spans.append(rest)
            spans.sort()
        return _replaced(data, [Place(*span, is_number=False) for span in spans], most) if spans else text

    def json(self, text: str, most: int) -> str:
        """JSON text, which stays JSON. Strings and keys are looked into as they read once decoded; a number that holds
        a value becomes a string."""
        data = canonical(_bytes(text))
        places = list(islice(places_in_json(data, self._in_json.find(data)), MOST_PLACES + 1))
        if len(places) > MOST_PLACES:
            return f'"{MANY}"'
        return _replaced(data, places, most) if places else text

    def error(self, error: StepError, most: int) -> StepError:
        return StepError(self.text(error.name, most), self.text(error.message, most), self.text(error.stack, most))


def _replaced(data: bytes, places: Sequence[Place], most: int) -> str:
    joined = list(_joined(places))
    result = _with(data, [(place, _told(f"[redacted {place.name}]", place)) for place in joined])
    if len(result) > max(most, len(data)):
        result = _with(data, [(place, _told(_STARS, place)) for place in joined])
    return result.decode("utf-8", "surrogatepass")


def _with(data: bytes, parts: Iterable[tuple[Place, bytes]]) -> bytes:
    pieces, done = [], 0
    for place, instead in parts:
        pieces += [data[done : place.start], instead]
        done = place.end
    return b"".join([*pieces, data[done:]])


def _told(text: str, place: Place) -> bytes:
    return (f'"{text}"' if place.is_number else text).encode()


def _joined(places: Iterable[Place]) -> Iterator[Place]:
    """What overlaps is one, under the name of the first."""
    last: Place | None = None
    for place in places:
        if last is None or place.start >= last.end:
            if last is not None:
                yield last
            last = place
        elif place.end > last.end:
            last = last._replace(end=place.end)
    if last is not None:
        yield last


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=_KEPT_SETS)
def _redactor(variables: frozenset[tuple[str, str]]) -> Redactor:
    return Redactor(variables)
