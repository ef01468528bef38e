from apps.state.models.queue import LeasedItem, ReadyItem, ScheduledItem
from apps.state.models.runs import Attempt, CallsAgain, History, Op, Run, RunStatus, Step, StepStatus
from apps.state.models.starts import GuardKind, NotStarted, StartGuard
from apps.state.models.waits import Probe, Wait, WaitKind, WaitStatus, WideEvent
from apps.state.models.workers import Pulse, Worker

__all__ = [
    "Attempt",
    "CallsAgain",
    "GuardKind",
    "History",
    "LeasedItem",
    "NotStarted",
    "Op",
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
