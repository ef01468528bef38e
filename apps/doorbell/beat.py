"""Beat's schedule, which no row and no absence of the database ends: without beat, all that a doorbell missed waits."""

import logging
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

log = logging.getLogger(__name__)


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's, which reads the bells otherwise."""

    _is_stale = False

    def enabled_models_qs(self) -> "QuerySet[PeriodicTask]":
        """Bells and their schedules in one statement, so that nothing can go in between.

        All of them: what the library leaves out, since it is not for the hours to come, it finds by reading a crontab's
        hour as a number, and whether a `*` is sorted out before is for the database's planner to say.
        """
        bells: QuerySet[PeriodicTask] = PeriodicTask.objects.filter(enabled=True)
        return bells.select_related("interval", "crontab", "solar", "clocked")

    def all_as_schedule(self) -> dict[str, Any]:
        """What rings; what rang before if it cannot be read, and then it is read again at the next look."""
        try:
            bells = list(self.enabled_models_qs())
        except (DatabaseError, InterfaceError):
            if self._schedule is None:
                raise
            log.exception("the bells cannot be read; ringing as before")
            self._is_stale = True
            return dict(self._schedule)
        self._is_stale = False
        entries = {}
        for bell in bells:
            try:
                entries[bell.name] = ModelEntry(bell, app=self.app)
            except Exception:
                log.exception("the bell %r cannot be rung", bell.name)
        return entries

    def schedule_changed(self) -> bool:
        return bool(super().schedule_changed()) or self._is_stale
