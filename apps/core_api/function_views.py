"""`/v1/functions`: what is live, and moving between versions: live, rolled back, archived."""

from typing import Annotated

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.deploy_answers import DeployOutcomeAnswer, RefusedDeploy, deploy_refusals, outcome
from apps.core_api.deploy_parameters import BASE, NOTE, asked_parameters, flag_parameter
from apps.core_api.errors import Error
from apps.core_api.function_answers import (
    FunctionAnswer,
    FunctionsAnswer,
    function_entry,
    function_with_definition,
)
from apps.core_api.functions import described, find_described, not_archived
from apps.core_api.json_bodies import Nothing, nothing, read_body
from apps.core_api.parameters import page_parameters
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.datastore.models import Deploy
from apps.datastore.rolling_back import NoSuchFunction, archive, make_live, roll_back

ARCHIVED = OpenApiParameter(
    "archived", {"type": "boolean", "default": False}, description="`true`: those as well that are archived."
)
_MOVED = {
    200: DeployOutcomeAnswer,
    201: DeployOutcomeAnswer,
    400: Error,
    401: Error,
    404: Error,
    409: RefusedDeploy,
    413: Error,
}


class LiveBody(msgspec.Struct):
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


_live_body = msgspec.json.Decoder(LiveBody)


class FunctionsView(APIView):
    @extend_schema(
        operation_id="list_functions",
        parameters=[ARCHIVED, *PAGING],
        responses={200: FunctionsAnswer, 400: Error, 401: Error},
    )
    def get(self, request: Request) -> Response:
        """The environment's functions, by id."""
        asked = page_parameters(request, of="functions")
        functions = described(environment_of(request))
        if not flag_parameter(request, "archived", False):
            functions = not_archived(functions)
        if asked.after is not None:
            functions = functions.filter(slug__gt=asked.after)
        found = list(functions.order_by("slug")[: asked.limit + 1])
        page = asked.answer(found[asked.limit - 1].slug if len(found) > asked.limit else None)
        return Response(FunctionsAnswer(data=[function_entry(one) for one in found[: asked.limit]], page=page))


class FunctionView(APIView):
    @extend_schema(operation_id="get_function", responses={200: FunctionAnswer, 401: Error, 404: Error})
    def get(self, request: Request, function_id: str) -> Response:
        """The function with this id, and its definition."""
        function = find_described(environment_of(request), function_id)
        return Response(FunctionAnswer(data=function_with_definition(function)))


class FunctionLiveView(APIView):
    @extend_schema(operation_id="make_version_live", request=LiveBody, parameters=[BASE, NOTE], responses=_MOVED)
    def post(self, request: Request, function_id: str) -> Response:
        """Make a version what events and crons start. Runs go on with the version that they began with."""
        asked = asked_parameters(request, Deploy.Kind.LIVE)
        version = read_body(request, _live_body).version
        with deploy_refusals():
            _check_id(function_id)
            return outcome(make_live(environment_of(request), function_id, version, asked.by, asked.base))


class FunctionRollbackView(APIView):
    @extend_schema(operation_id="roll_back_function", request=Nothing, parameters=[BASE, NOTE], responses=_MOVED)
    def post(self, request: Request, function_id: str) -> Response:
        """Let the function be what it was before what is live. Once more goes back one further."""
        asked = asked_parameters(request, Deploy.Kind.ROLLBACK)
        read_body(request, nothing)
        with deploy_refusals():
            _check_id(function_id)
            return outcome(roll_back(environment_of(request), function_id, asked.by, asked.base))


class FunctionArchiveView(APIView):
    @extend_schema(operation_id="archive_function", request=Nothing, parameters=[BASE, NOTE], responses=_MOVED)
    def post(self, request: Request, function_id: str) -> Response:
        """Let no event and no cron start the function any more. Its runs go on, and its versions are kept."""
        asked = asked_parameters(request, Deploy.Kind.ARCHIVE)
        read_body(request, nothing)
        with deploy_refusals():
            _check_id(function_id)
            return outcome(archive(environment_of(request), function_id, asked.by, asked.base))


def _check_id(function_id: str) -> None:
    if "\0" in function_id:
        raise NoSuchFunction(f"There is no function {function_id!r}")
