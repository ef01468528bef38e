from apps.state.models.queue import LeasedItem, ReadyItem, ScheduledItem
from apps.state.models.runs import Attempt, History, Run, RunStatus, Step, StepStatus
from apps.state.models.workers import Pulse, Worker

__all__ = [
    "Attempt",
    "History",
    "LeasedItem",
    "Pulse",
    "ReadyItem",
    "Run",
    "RunStatus",
    "ScheduledItem",
    "Step",
    "StepStatus",
    "Worker",
]
