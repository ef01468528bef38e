"""`/v1/functions/<id>/versions` and `/diff`: every version that a function has had, its files, and how two differ."""

from collections.abc import Sequence

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.deploy_parameters import number_parameter
from apps.core_api.errors import Error, bad_parameter
from apps.core_api.function_answers import VersionAnswer, VersionsAnswer, version_content, version_entry
from apps.core_api.functions import beneath, find_function, find_version, versions_of
from apps.core_api.parameters import page_parameters
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.core_api.version_diffs import VersionsDiffAnswer, diff_versions
from apps.datastore import manifest as manifests
from apps.datastore.blobs import read_blobs
from apps.datastore.models import Function, FunctionVersion

_NUMBER: dict[str, object] = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
FROM = OpenApiParameter(
    "from", _NUMBER, description="Else what lies beneath what is live; for a `to` that is not live, what is live."
)
TO = OpenApiParameter("to", _NUMBER, description="Else what is live.")


class VersionsView(APIView):
    @extend_schema(
        operation_id="list_versions",
        parameters=PAGING,
        responses={200: VersionsAnswer, 400: Error, 401: Error, 404: Error},
    )
    def get(self, request: Request, function_id: str) -> Response:
        """The function's versions, newest first."""
        asked = page_parameters(request, of="versions")
        versions = versions_of(find_function(environment_of(request), function_id))
        if asked.after is not None:
            versions = versions.filter(number__lt=int(asked.after))
        found = list(versions.order_by("-number")[: asked.limit + 1])
        page = asked.answer(found[asked.limit - 1].number if len(found) > asked.limit else None)
        return Response(VersionsAnswer(data=[version_entry(one) for one in found[: asked.limit]], page=page))


class VersionView(APIView):
    @extend_schema(operation_id="get_version", responses={200: VersionAnswer, 401: Error, 404: Error})
    def get(self, request: Request, function_id: str, number: int) -> Response:
        """The version with this number: its definition and the list of its files."""
        version = find_version(find_function(environment_of(request), function_id), number)
        return Response(VersionAnswer(data=version_content(version)))


class WhateverIsAccepted(BaseContentNegotiation):
    """A file is bytes, and an error is JSON, whatever the client would like best."""

    def select_parser(self, request: Request, parsers: Sequence[object]) -> object:  # type: ignore[override]
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class VersionFileView(APIView):
    content_negotiation_class = WhateverIsAccepted

    @extend_schema(
        operation_id="get_version_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 401: Error, 404: Error},
    )
    def get(self, request: Request, function_id: str, number: int, path: str) -> HttpResponseBase:
        """A file of the version, byte for byte. Its ETag is the SHA-256 of its content."""
        version = find_version(find_function(environment_of(request), function_id), number)
        entry = manifests.from_json(version.manifest).get(path)
        if entry is None:
            raise NotFound(f"Version {number} has no file {path}")
        answer = HttpResponse(
            content_type="application/octet-stream",
            headers={
                # It is code, from whoever may deploy: no browser is to run it, or to show it as a page of ours.
                "Content-Disposition": "attachment",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "Cache-Control": "private, no-cache",
                "ETag": f'"{entry.digest}"',
            },
        )
        # Before its content is read, which may be 32 MiB: who asks so has it, or does not want it.
        instead = get_conditional_response(request._request, etag=answer["ETag"], response=answer)
        if instead is not None and instead is not answer:
            return instead
        if request.method == "HEAD":
            answer["Content-Length"] = str(entry.size)
            return answer
        content = read_blobs([entry.digest]).get(entry.digest)
        if content is None:
            raise APIException("The content of this file is lost, or is not what its digest says")
        answer.content = content
        return answer


class DiffView(APIView):
    @extend_schema(
        operation_id="diff_versions",
        parameters=[FROM, TO],
        responses={200: VersionsDiffAnswer, 400: Error, 401: Error, 404: Error, 503: Error},
    )
    def get(self, request: Request, function_id: str) -> Response:
        """How two versions differ; without parameters, what the last change of what is live has changed."""
        before, after = number_parameter(request, "from"), number_parameter(request, "to")
        function = find_function(environment_of(request), function_id)
        new = _live(function) if after is None else find_version(function, after)
        old = _before(function, new) if before is None else find_version(function, before)
        return Response(VersionsDiffAnswer(data=diff_versions(old, new)))


def _live(function: Function) -> FunctionVersion:
    if function.live_version is None:
        raise bad_parameter("to", "must be given: nothing of the function is live")
    return function.live_version


def _before(function: Function, new: FunctionVersion) -> FunctionVersion | None:
    """What a version is compared with if nothing is said; None for nothing."""
    return beneath(function) if function.live_version_id == new.pk else function.live_version
