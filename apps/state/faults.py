"""Fault points: where a test lets a process die as kill -9 would, to show that nothing is lost there."""

import os
import signal

from django.conf import settings


def reach(point: str) -> None:
    """Die here if `INNGEST_FAULT` names this point."""
    if point == settings.INNGEST_FAULT:
        os.kill(os.getpid(), signal.SIGKILL)
