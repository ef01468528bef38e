"""`/v1/deploys`: functions are deployed, all of a request or none, and what has been deployed is told and undone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, Subquery
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core_api.deploy_answers import (
    DeployAnswer,
    DeployOutcomeAnswer,
    DeploysAnswer,
    InvalidDeploy,
    RefusedDeploy,
    ReleaseEntry,
    deploy_entry,
    deploy_refusals,
    deploy_with,
    outcome,
)
from apps.core_api.deploy_bodies import CONTENT_TYPES, JSON, read_contents
from apps.core_api.deploy_parameters import BASE, DRY_RUN, LIVE, NOTE, asked_parameters, flag_parameter
from apps.core_api.errors import Error, TooLarge, Unavailable
from apps.core_api.json_bodies import Nothing, nothing, read_body
from apps.core_api.parameters import page_parameters
from apps.core_api.schema import PAGING
from apps.core_api.tokens import environment_of
from apps.datastore.deploying import deploy
from apps.datastore.models import Deploy, Release
from apps.datastore.rolling_back import roll_back_deploy

_free = threading.BoundedSemaphore(settings.DEPLOYS_AT_ONCE)
_waiting = threading.BoundedSemaphore(settings.DEPLOYS_WAITING)


class Base64File(msgspec.Struct):
    base64: str


class FunctionBody(msgspec.Struct, kw_only=True):
    definition: dict[str, Any]
    """What an `inngest.json` holds."""
    files: dict[str, str | Base64File] = {}
    """The function's other files, by path: text, or any bytes as base64."""


class DeployBody(msgspec.Struct):
    functions: Annotated[list[FunctionBody], msgspec.Meta(min_length=1)]


class Busy(Unavailable):
    default_detail = "Too many deploys are worked on; try again in a few seconds"


_BODIES = {JSON: DeployBody} | {kind: OpenApiTypes.BINARY for kind in CONTENT_TYPES if kind != JSON}


class DeploysView(APIView):
    @extend_schema(
        operation_id="list_deploys", parameters=PAGING, responses={200: DeploysAnswer, 400: Error, 401: Error}
    )
    def get(self, request: Request) -> Response:
        """What was deployed, rolled back or archived in the environment, newest first."""
        asked = page_parameters(request, of="deploys")
        deploys = Deploy.objects.filter(environment=environment_of(request))
        if asked.after is not None:
            deploys = deploys.filter(number__lt=int(asked.after))
        found = list(deploys.order_by("-number")[: asked.limit + 1])
        page = asked.answer(found[asked.limit - 1].number if len(found) > asked.limit else None)
        return Response(DeploysAnswer(data=[deploy_entry(one) for one in found[: asked.limit]], page=page))

    @extend_schema(
        operation_id="deploy",
        request=_BODIES,
        parameters=[DRY_RUN, LIVE, BASE, NOTE],
        responses={
            200: DeployOutcomeAnswer,
            201: DeployOutcomeAnswer,
            400: InvalidDeploy,
            401: Error,
            409: RefusedDeploy,
            413: Error,
            415: Error,
            503: Error,
        },
    )
    def post(self, request: Request) -> Response:
        """Deploy functions, from an archive of their folders or as JSON: all of them, or none if anything is wrong.

        200 if nothing changes, since all of it is live already, and 201 if something did.
        """
        environment, asked = environment_of(request), asked_parameters(request, Deploy.Kind.DEPLOY)
        dry_run, live = flag_parameter(request, "dry_run", False), flag_parameter(request, "live", True)
        content_type = _content_type(request)
        with _turn(), deploy_refusals():
            contents = read_contents(content_type, _read(request))
            deployed = deploy(environment, contents, asked.by, live=live, base=asked.base, dry_run=dry_run)
        return outcome(deployed, dry_run=dry_run)


class DeployView(APIView):
    @extend_schema(operation_id="get_deploy", responses={200: DeployAnswer, 401: Error, 404: Error})
    def get(self, request: Request, number: int) -> Response:
        """The deploy with this number, and which functions it moved to other versions."""
        try:
            found = Deploy.objects.get(environment=environment_of(request), number=number)
        except Deploy.DoesNotExist:
            raise NotFound(f"There is no deploy {number}") from None
        return Response(DeployAnswer(data=deploy_with(found, _releases(found))))


class DeployRollbackView(APIView):
    @extend_schema(
        operation_id="roll_back_deploy",
        request=Nothing,
        parameters=[NOTE],
        responses={
            201: DeployOutcomeAnswer,
            400: Error,
            401: Error,
            404: Error,
            409: RefusedDeploy,
            413: Error,
            503: Error,
        },
    )
    def post(self, request: Request, number: int) -> Response:
        """Let every function that the deploy moved be what it was before; one that was new is archived.

        A 409 if one of them was moved again since then.
        """
        asked = asked_parameters(request, Deploy.Kind.ROLLBACK)
        read_body(request, nothing)
        with deploy_refusals():
            return outcome(roll_back_deploy(environment_of(request), number, asked.by))


def _releases(deploy: Deploy) -> list[ReleaseEntry]:
    before = Release.objects.filter(function=OuterRef("function"), pk__lt=OuterRef("pk")).order_by("-pk")
    releases = Release.objects.filter(deploy=deploy).annotate(was=Subquery(before.values("version__number")[:1]))
    rows = releases.order_by("function__slug").values_list("function__slug", "version__number", "was")
    return [ReleaseEntry(function_id=slug, version=version, was=was) for slug, version, was in rows]


@contextmanager
def _turn() -> Iterator[None]:
    """What is unpacked is held in memory, so only a few are at it; the others' bodies wait on disk.

    The connection on which the key was looked up goes back meanwhile: neither waiting nor unpacking needs one, and
    there are few.
    """
    if not connection.in_atomic_block:
        connection.close()
    if not _free.acquire(blocking=False):
        _wait()
    try:
        yield
    finally:
        _free.release()


def _wait() -> None:
    if not _waiting.acquire(blocking=False):
        raise Busy
    try:
        if not _free.acquire(timeout=settings.DEPLOY_WAIT_SECONDS):
            raise Busy
    finally:
        _waiting.release()


def _content_type(request: Request) -> str:
    said: str = (request.content_type or "").partition(";")[0].strip().lower()
    if said not in CONTENT_TYPES:
        raise UnsupportedMediaType(said, f"A deploy's `Content-Type` must be one of {', '.join(CONTENT_TYPES)}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(said, "A deploy must not have a `Content-Encoding`; an archive may be a tar.gz")
    return said


def _read(request: Request) -> bytes:
    """The body. Raises TooLarge without reading on."""
    most = settings.DEPLOY_MAX_BYTES
    body: bytes = request._request.read(most + 1)
    if len(body) > most:
        raise TooLarge(f"The deploy is too large: its limit is {most} bytes")
    return body
