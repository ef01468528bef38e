"""The events of a batch as expressions see them: read together, converted once each."""

from collections.abc import Sequence

from apps.event_stream.looking_back import payloads_of
from apps.expressions import Value, read_json
from apps.runner.batches import BATCH_BYTES, BatchTooLarge


class EventValues:
    """Values of events by number. A payload is read when `need` names it, and converted when `of` first asks for it."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._values: dict[int, Value] = {}

    def need(self, seqs: Sequence[int]) -> None:
        """Read these payloads; BatchTooLarge says how many of these events fit, if not all do."""
        missing = sorted(set(seqs) - self._texts.keys())
        found = payloads_of(missing, BATCH_BYTES - sum(map(len, self._texts.values())))
        self._texts.update(found.by_seq)
        if not found.all_fit:
            last = max(found.by_seq)
            raise BatchTooLarge(sum(seq <= last for seq in set(seqs)))

    def size(self, seq: int) -> int:
        """Of a payload that `need` has named, in characters."""
        return len(self._texts[seq])

    def of(self, seq: int) -> Value:
        if seq not in self._values:
            self._values[seq] = read_json(self._texts[seq])
        return self._values[seq]
