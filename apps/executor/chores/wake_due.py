"""Chore: make ready what is due, and ring for whatever is ready and unclaimed. Beat rings for it every second."""

from apps.doorbell.ringing import ring
from apps.doorbell.stopping import stopping
from apps.state.queue import queues_with_work
from apps.state.scheduling import PROMOTE_AT_ONCE, promote_due
from apps.state.workers import note_pulse, served_queues

WAKES = 4
"""Rings for each queue with work, to wake that many workers."""


def wake_due() -> None:
    """Promote all that is due, a bounded batch at a time, and ring."""
    note_pulse("wake_due")
    while True:
        promoted = promote_due()
        for queue in promoted:
            ring("executor.drain", queue, queue=queue, times=WAKES)
        if promoted.total() < PROMOTE_AT_ONCE or stopping.is_set():
            break
    # For a queue that nobody serves the messages would only pile up.
    for queue in queues_with_work(served_queues()):
        ring("executor.drain", queue, queue=queue, times=WAKES)
