"""`/v1/events`: what was received, the runs that it started, why it started no others, and what it resumed."""

from collections.abc import Sequence

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import EventAnswer, EventsAnswer, RunsAnswer, StartsAnswer, WaitsAnswer
from apps.core_api.errors import Error
from apps.core_api.events import EventFilter, find_events, load_event, load_events, numbers_of_event
from apps.core_api.parameters import MAX_LIMIT, page_parameters, text_parameter, time_parameter
from apps.core_api.runs import find_runs_of_event, load_runs, run_answers
from apps.core_api.schema import EVENT_FILTERS, PAGING, PAGING_OF_HUNDRED
from apps.core_api.starts import load_starts
from apps.core_api.tokens import environment_of
from apps.core_api.waits import find_waits_of_event, load_waits_with_runs
from apps.datastore.models import Environment


def _no_event(event_id: str) -> NotFound:
    return NotFound(f"There is no event {event_id}")


def _numbers(environment: Environment, event_id: str) -> Sequence[int]:
    event_seqs = numbers_of_event(environment, event_id)
    if not event_seqs:
        raise _no_event(event_id)
    return event_seqs


class EventsView(APIView):
    @extend_schema(
        operation_id="list_events",
        parameters=[*EVENT_FILTERS, *PAGING],
        responses={200: EventsAnswer, 400: Error, 401: Error},
    )
    def get(self, request: Request) -> Response:
        """Events as they were received, newest first; one that was sent twice is there twice."""
        environment, asked = environment_of(request), page_parameters(request, of="events")
        wanted = EventFilter(
            name=text_parameter(request, "name"),
            received_after=time_parameter(request, "received_after"),
            received_before=time_parameter(request, "received_before"),
        )
        page = load_events(environment, find_events(environment, wanted, asked.after, asked.limit))
        return Response(EventsAnswer(data=page.events, page=asked.answer(page.ended_at)))


class EventView(APIView):
    @extend_schema(operation_id="get_event", responses={200: EventAnswer, 401: Error, 404: Error})
    def get(self, request: Request, event_id: str) -> Response:
        """The event with this internal id."""
        event = load_event(environment_of(request), event_id)
        if event is None:
            raise _no_event(event_id)
        return Response(EventAnswer(data=event))


class EventRunsView(APIView):
    @extend_schema(
        operation_id="list_runs_of_event",
        parameters=PAGING_OF_HUNDRED,
        responses={200: RunsAnswer, 400: Error, 401: Error, 404: Error},
    )
    def get(self, request: Request, event_id: str) -> Response:
        """The runs that the event started, newest first."""
        environment = environment_of(request)
        asked = page_parameters(request, of="runs", default_limit=MAX_LIMIT)
        found = find_runs_of_event(_numbers(environment, event_id), asked.after, asked.limit)
        runs = run_answers(load_runs(environment, found.positions))
        return Response(RunsAnswer(data=runs, page=asked.answer(found.ended_at)))


class EventStartsView(APIView):
    @extend_schema(
        operation_id="list_starts_of_event",
        parameters=PAGING_OF_HUNDRED,
        responses={200: StartsAnswer, 400: Error, 401: Error, 404: Error},
    )
    def get(self, request: Request, event_id: str) -> Response:
        """The functions that have a trigger for the event, and for each its run or why there is none."""
        asked = page_parameters(request, of="starts", default_limit=MAX_LIMIT)
        found = load_starts(_numbers(environment_of(request), event_id), asked.after, asked.limit)
        return Response(StartsAnswer(data=found.starts, page=asked.answer(found.ended_at)))


class EventWaitsView(APIView):
    @extend_schema(
        operation_id="list_waits_of_event",
        parameters=PAGING_OF_HUNDRED,
        responses={200: WaitsAnswer, 400: Error, 401: Error, 404: Error},
    )
    def get(self, request: Request, event_id: str) -> Response:
        """The waits that the event ended, newest first. Of kind `step`: the run went on; `cancel`: it was cancelled."""
        asked = page_parameters(request, of="waits", default_limit=MAX_LIMIT)
        found = find_waits_of_event(_numbers(environment_of(request), event_id), asked.after, asked.limit)
        return Response(WaitsAnswer(data=load_waits_with_runs(found.positions), page=asked.answer(found.ended_at)))
