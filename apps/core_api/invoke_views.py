"""`/invoke/<function id>`: a function is run directly, whatever its triggers, with an event of its own."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from drf_spectacular.utils import extend_schema
from msgspec import Raw
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.answers import Invoked
from apps.core_api.errors import Error
from apps.core_api.json_bodies import missing, object_or_empty, read_body
from apps.core_api.tokens import environment_of
from apps.state.sdk.invoking import NoSuchFunction, invoke

Object = Annotated[Raw, msgspec.Meta(extra_json_schema={"type": ["object", "null"]})]


class InvokeBody(msgspec.Struct):
    """An event's fields; its name and id are the server's."""

    data: Object = msgspec.field(default_factory=missing)
    user: Object = msgspec.field(default_factory=missing)
    v: str | None = None


_body = msgspec.json.Decoder(InvokeBody)


class InvokeView(APIView):
    @extend_schema(
        operation_id="invoke_function",
        request=InvokeBody,
        responses={200: Invoked, 400: Error, 401: Error, 404: Error, 413: Error},
    )
    def post(self, request: Request, function_id: str) -> Response:
        """Run the function now, with this as its event. It is not asked whether it may start: that is for events."""
        body = read_body(request, _body)
        data, user = object_or_empty(body.data, "data"), object_or_empty(body.user, "user")
        try:
            if "\0" in function_id:
                raise NoSuchFunction(f"There is no function {function_id!r}")
            run_id, event_id = invoke(environment_of(request).pk, function_id, data, user, body.v)
        except NoSuchFunction as missing:
            raise NotFound(str(missing)) from None
        return Response(Invoked(id=event_id, ids=[event_id], run_id=run_id, status=HTTPStatus.OK))
