"""`python manage.py parked_events`: the events that could not be consumed, and another try for them."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import QuerySet

from apps.doorbell.ringing import ring, wait_until_sent
from apps.event_stream.consuming import unpark
from apps.event_stream.models import Event, ParkedEvent

_MOST = 1_000


class Command(BaseCommand):
    help = "Lists the events that could not be consumed, oldest first, with the reason; --retry puts them back."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--retry", action="store_true", help="put them back into the inbox, a thousand at a time")
        parser.add_argument("seqs", nargs="*", type=int, help="numbers of events (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        seqs: list[int] | None = options["seqs"] or None
        if options["retry"]:
            count = unpark(seqs)
            ring("runner.consume_events", queue="events")
            wait_until_sent(2.0)
            left = self._parked(seqs).count()
            self.stdout.write(f"{count} back in the inbox" + (f", {left} left for another --retry" if left else ""))
            return
        parked = self._parked(seqs)
        page = list(parked[:_MOST])
        names = dict(Event.objects.filter(seq__in=[row.seq for row in page]).values_list("seq", "name"))
        for row in page:
            self.stdout.write(f"{row.seq}  {row.parked_at:%Y-%m-%d %H:%M:%S}  {names.get(row.seq, '?')}  {row.reason}")
        if not page:
            self.stdout.write("no event is parked")

    def _parked(self, seqs: list[int] | None) -> "QuerySet[ParkedEvent]":
        parked = ParkedEvent.objects.order_by("seq")
        return parked if seqs is None else parked.filter(seq__in=seqs)
