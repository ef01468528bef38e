from apps.state.models.queue import LeasedItem, ReadyItem, ScheduledItem
from apps.state.models.runs import Attempt, History, Run, RunStatus, Step, StepStatus
from apps.state.models.starts import GuardKind, NotStarted, StartGuard
from apps.state.models.waits import Probe, Wait, WaitKind, WaitStatus, WideEvent
from apps.state.models.workers import Pulse, Worker

__all__ = [
    "Attempt",
    "GuardKind",
    "History",
    "LeasedItem",
    "NotStarted",
    "Probe",
    "Pulse",
    "ReadyItem",
    "Run",
    "RunStatus",
    "ScheduledItem",
    "StartGuard",
    "Step",
    "StepStatus",
    "Wait",
    "WaitKind",
    "WaitStatus",
    "WideEvent",
    "Worker",
]
