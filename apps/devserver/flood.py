"""What is shown of a second in which more happens than one can read, and what is only counted."""

from collections import Counter
from dataclasses import dataclass

from apps.devserver.cells import one_line
from apps.state.told import RunEnded, StepSaid, StepTried, Told, kind_of

_KINDS_MAX = 50
"""Kinds of errors of which the first is shown whatever else there is."""
_REPEATED_MAX = 20
"""Errors of which it is said how often they came again; of more, they are counted with the others."""
_IN_WORDS = {"event.received": "events", "run.started": "runs started", "step.completed": "steps completed"}
_Key = tuple[str, str, str, str, str]
"""Function, step, what the failure is, and the error's name and message."""


@dataclass(slots=True)
class _Repeated:
    kind: str
    where: str
    what: str
    times: int = 0


class Flood:
    """One second of the print: `lines_max` lines, and as many of what is loud, without what is repeated."""

    def __init__(self, lines_max: int) -> None:
        self._most = lines_max
        self._clear()

    def _clear(self) -> None:
        self._quiet_lines = 0
        self._loud_lines = 0
        self._kinds: set[tuple[str, ...]] = set()
        self._repeated: dict[int, _Repeated] = {}
        """By the hash of what makes two errors the same: messages are long."""
        self._folded: Counter[str] = Counter()

    @property
    def has_more(self) -> bool:
        """Whether something is to be said at the second's end."""
        return bool(self._folded) or any(one.times for one in self._repeated.values())

    def count(self, counts: Counter[str]) -> None:
        """What others have counted already."""
        self._folded += counts

    def takes(self, told: Told) -> bool:
        """Whether the record is to be shown; if not, it is counted."""
        if not told.is_loud:
            if self._quiet_lines < self._most:
                return True
            self._folded[kind_of(told)] += 1
            return False
        key = _key(told)
        same = hash(key)
        is_error = not isinstance(told, RunEnded)  # each run ends by itself
        if is_error and same in self._repeated:
            self._repeated[same].times += 1
            return False
        kind = key[:4]
        if self._loud_lines >= self._most and (kind in self._kinds or len(self._kinds) >= _KINDS_MAX):
            self._folded[kind_of(told)] += 1
            return False
        if len(self._kinds) < _KINDS_MAX:
            self._kinds.add(kind)
        if is_error:
            where = one_line(f"{key[0] or '…'} {key[1] or '(function)'}")
            what = one_line(": ".join(filter(None, key[3:]))[:500])
            self._repeated[same] = _Repeated(kind_of(told), where, what)
        return True

    def shown(self, told: Told, lines: int) -> None:
        """So many lines the record took."""
        if told.is_loud:
            self._loud_lines += lines
        else:
            self._quiet_lines += lines

    def end(self) -> list[str]:
        """What is to be said of what was not shown; a new second begins."""
        repeated = sorted((one for one in self._repeated.values() if one.times), key=lambda one: -one.times)
        for one in repeated[_REPEATED_MAX:]:
            self._folded[one.kind] += one.times
        said = [
            f"{one.where}: the same error {_times(one.times)} in the last second: {one.what}"
            for one in repeated[:_REPEATED_MAX]
        ]
        if count := self._folded.total():
            kinds = ", ".join(f"{number:,} {_in_words(kind)}" for kind, number in self._folded.most_common(4))
            said.append(f"{count:,} more in the last second: {kinds}")
        self._clear()
        return said


def _key(told: Told) -> _Key:
    if isinstance(told, StepTried):
        name, message = (told.error.name, told.error.message) if told.error else ("", "")
        return told.function, told.step, told.status, name, message
    if isinstance(told, StepSaid):
        return told.function, told.step, told.status, "", told.reason
    return told.function, "", kind_of(told), "", ""


def _times(number: int) -> str:
    return "once more" if number == 1 else f"{number:,} more times"


def _in_words(kind: str) -> str:
    what, _, did = kind.partition(".")
    return _IN_WORDS.get(kind, f"{what}s {did.replace('_', ' ')}")
