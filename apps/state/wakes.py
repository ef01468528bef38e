"""What a transaction has queued, to be rung for when it has committed (rule 1), and what is to be told of it then."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from apps.doorbell.due_bells import ring_when_due
from apps.doorbell.ringing import ring
from apps.state.teller import tell
from apps.state.told import Told

WAKES_MOST = 4
"""How many rings one transaction gives a queue, to wake that many workers."""
ITEMS_A_WAKE = 16


@dataclass(slots=True)
class Wakes:
    """Collected while the transaction runs."""

    ready: Counter[str] = field(default_factory=Counter)
    """Items that are ready now, by queue."""
    due: list[datetime] = field(default_factory=list)
    """When scheduled items are due."""
    expiring: list[datetime] = field(default_factory=list)
    """When waits time out."""
    probes: int = 0
    """Waits that are to look at the events since they began to listen."""
    wide_events: int = 0
    """Events that have more waits to resume."""
    events: int = 0
    """Events of the server's own that are in the inbox."""
    told: list[Told] = field(default_factory=list)
    """What happened, where somebody wants to know."""

    def add(self, other: "Wakes") -> None:
        self.ready += other.ready
        self.due += other.due
        self.expiring += other.expiring
        self.probes += other.probes
        self.wide_events += other.wide_events
        self.events += other.events
        self.told += other.told


def ring_for(wakes: Wakes, now: datetime) -> None:
    """Ring, after the commit, then tell. `now` is the transaction's time, from which what is due later is counted."""
    for queue, items in wakes.ready.items():
        ring("executor.drain", queue, queue=queue, times=min(WAKES_MOST, -(-items // ITEMS_A_WAKE)))
    if wakes.events:
        ring("runner.consume_events", queue="events")
    if wakes.probes:
        ring("runner.probe_waits", queue="events")
    if wakes.wide_events:
        ring("runner.resume_wide_events", queue="events")
    ring_when_due("executor.wake_due", [(at - now).total_seconds() for at in wakes.due])
    ring_when_due("runner.expire_waits", [(at - now).total_seconds() for at in wakes.expiring], queue="events")
    tell(wakes.told)
