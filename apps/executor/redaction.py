"""Redact: the values of a step's variables, taken out of what it gave back before anything of it is kept or shown."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice

from apps.executor.json_redaction import Place, canonical, places_in_json
from apps.executor.needles import Needles, TooHard
from apps.executor.secret_forms import LEAST_CHARS, forms_of, in_json
from drivers.contract import Call, Outcome, StepError

MOST_PLACES = 20_000
"""A text with more of them is redacted as a whole."""
MANY = f"[redacted: it holds secrets in more than {MOST_PLACES:,} places]"
UNCLEAR = "[redacted: too much of it begins as a secret does]"
_STARS = "***"
"""Shorter than any value: with it no text grows beyond its limit."""
_LOG_ENDS = b"[the log ends here: "
_MESSAGE_ENDS = "…".encode()
_KEPT_SETS = 16
_redactors = threading.Lock()


def redact(outcome: Outcome, call: Call) -> Outcome:
    """The outcome with `[redacted NAME]` where a value of the call's variables was, or of those that it ran
    with (`Outcome.env`).

    Values of less than LEAST_CHARS characters stay: they stand in too many words.
    """
    variables = frozenset(call.env.items()).union((outcome.env or {}).items())
    if not variables:
        return outcome
    with _redactors:
        redactor = _redactor(variables)
    output_bytes, log_bytes = call.limits.output_bytes, call.limits.log_bytes
    return replace(
        outcome,
        env=None,
        output=None if outcome.output is None else redactor.json(outcome.output, output_bytes),
        log=redactor.text(outcome.log, log_bytes),
        error=None if outcome.error is None else redactor.error(outcome.error, log_bytes),
    )


class Redactor:
    """For one set of variables, by name and value; a name may come with several. Safe to be used by several threads."""

    def __init__(self, variables: Iterable[tuple[str, str]]) -> None:
        self._variables = variables
        self._forms: dict[str, str] | None = None
        self._made: dict[Callable[[str], bytes], Needles] = {}
        self._making = threading.Lock()

    def _needles(self, written: Callable[[str], bytes]) -> Needles:
        """Made by the first who needs them, while others wait: of many secrets that takes a second of one CPU."""
        with self._making:
            if self._forms is None:
                self._forms = forms_of(self._variables)
            if written not in self._made:
                self._made[written] = Needles({written(form): name for form, name in self._forms.items()})
            return self._made[written]

    def text(self, text: str, most: int) -> str:
        """A log, or a message, which grows to so many bytes at most."""
        if not text:
            return text
        data, needles = _bytes(text), self._needles(_bytes)
        try:
            spans = list(islice(needles.find(data), MOST_PLACES + 1))
            if len(spans) > MOST_PLACES:
                return MANY
            cut = _cut_at(data)
            if cut is not None and (rest := needles.unfinished(data, cut, LEAST_CHARS)):
                spans.append(rest)
                spans.sort()
        except TooHard:
            return UNCLEAR
        return _replaced(data, [Place(*span, is_number=False) for span in spans], most) if spans else text

    def json(self, text: str, most: int) -> str:
        """JSON text, which stays JSON. Strings and keys are looked into as they read once decoded; a number that holds
        a value becomes a string."""
        data = canonical(_bytes(text))
        try:
            places = list(islice(places_in_json(data, self._needles(in_json).find(data)), MOST_PLACES + 1))
        except TooHard:
            return f'"{UNCLEAR}"'
        if len(places) > MOST_PLACES:
            return f'"{MANY}"'
        return _replaced(data, places, most) if places else text

    def error(self, error: StepError, most: int) -> StepError:
        return StepError(self.text(error.name, most), self.text(error.message, most), self.text(error.stack, most))


def _cut_at(data: bytes) -> int | None:
    """Where a driver has cut a log or a message; None if it has not. In one look from the end, whatever is there."""
    if data.endswith(_MESSAGE_ENDS):
        return len(data) - len(_MESSAGE_ENDS)
    line = data.rfind(b"\n") + 1
    if not data.startswith(_LOG_ENDS, line):
        return None
    return max(line - 1, 0)


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
