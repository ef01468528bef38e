"""`/v1/signals`: a signal is handed to the one run that waits for it."""

from typing import Annotated

import msgspec
from drf_spectacular.utils import extend_schema
from msgspec import Raw
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import SignalAnswer, SignalReceiver
from apps.core_api.errors import Error
from apps.core_api.json_bodies import missing, read_body
from apps.core_api.tokens import environment_of
from apps.state.sdk.waiting import send_signal


class SignalBody(msgspec.Struct):
    signal: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    data: Annotated[Raw, msgspec.Meta(description="Any JSON: what the step that waits gets.")] = msgspec.field(
        default_factory=missing
    )


_body = msgspec.json.Decoder(SignalBody)


class SignalsView(APIView):
    @extend_schema(
        operation_id="send_signal",
        request=SignalBody,
        responses={200: SignalAnswer, 400: Error, 401: Error, 404: Error, 413: Error},
    )
    def post(self, request: Request) -> Response:
        """Send a signal. 404 if no run waits for it at this moment: it is not kept for one that will."""
        body = read_body(request, _body)
        if "\0" in body.signal:
            raise ParseError("`signal` must not have NUL characters")
        run_id = send_signal(environment_of(request).pk, body.signal, bytes(body.data))
        if run_id is None:
            raise NotFound(f"No run waits for the signal {body.signal!r}")
        return Response(SignalAnswer(data=SignalReceiver(run_id)))
