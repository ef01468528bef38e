"""`/v0/runs/<run>`: what an SDK's function asks for when its call could not carry it: the events, and the results.

The answers are what calls carry, without anything around them.
"""

import msgspec
from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.errors import TooLarge
from apps.core_api.rendering import raw
from apps.core_api.tokens import environment_of
from apps.event_stream.models import Event
from apps.state.models import Run
from apps.state.sdk.memory import read_memory


class BatchView(APIView):
    @extend_schema(exclude=True)
    def get(self, request: Request, run_id: str) -> Response:
        """The events of the run, as their senders wrote them."""
        events = Event.objects.filter(seq=_run(request, run_id).event_seq).values_list("payload", flat=True)
        return Response([raw(payload) for payload in events])


class ActionsView(APIView):
    @extend_schema(exclude=True)
    def get(self, request: Request, run_id: str) -> Response:
        """The results of the run's steps, by their ids, in the order in which they ended."""
        run_id, most = _run(request, run_id).pk, settings.STEP_INPUT_MAX_BYTES
        memory = read_memory([run_id], [], most).get(run_id)
        results: dict[str, msgspec.Raw | None] = {}
        if memory is not None:
            if not memory.fits:
                raise TooLarge(
                    f"The results of the run's steps are {memory.size} bytes together; the limit"
                    f" (STEP_INPUT_MAX_BYTES) is {most}"
                )
            results = {step_id: raw(text) for step_id, text in memory.results.items()}
        return Response(results)


def _run(request: Request, run_id: str) -> Run:
    run = Run.objects.filter(pk=run_id, environment=environment_of(request)).first()
    if run is None:
        raise NotFound(f"There is no run {run_id}")
    return run
