"""Reading functions and their versions for the REST API."""

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework.exceptions import NotFound

from apps.datastore.models import Environment, Function, FunctionVersion, Release


def described(environment: Environment) -> QuerySet[Function]:
    """With what `function_answers` tells: `told`, `newest`, `last_release` and `released_at`."""
    newest = FunctionVersion.objects.filter(function=OuterRef("pk")).order_by("-number")
    releases = Release.objects.filter(function=OuterRef("pk")).order_by("-pk")
    functions = Function.objects.filter(environment=environment).select_related("live_version", "app")
    return functions.annotate(
        told=Coalesce("live_version__definition", Subquery(newest.values("definition")[:1])),
        newest=Subquery(newest.values("number")[:1]),
        # Not Exists: under a generic plan that is a hash of every release there is.
        last_release=Subquery(releases.values("pk")[:1]),
        released_at=Subquery(releases.values("deploy__created_at")[:1]),
    ).filter(newest__isnull=False)


def not_archived(functions: QuerySet[Function]) -> QuerySet[Function]:
    """Those that are live, or have not been yet."""
    return functions.filter(Q(live_version__isnull=False) | Q(last_release__isnull=True))


def find_function(environment: Environment, slug: str) -> Function:
    """Raises NotFound."""
    return _found(Function.objects.filter(environment=environment), slug)


def find_described(environment: Environment, slug: str) -> Function:
    """Raises NotFound."""
    return _found(described(environment), slug)


def _found(functions: QuerySet[Function], slug: str) -> Function:
    # Not `first`, here and below: its order is the primary key's, along which the planner would walk all rows.
    try:
        if "\0" in slug:
            raise Function.DoesNotExist
        return functions.get(slug=slug)
    except Function.DoesNotExist:
        raise NotFound(f"There is no function {slug}") from None


def versions_of(function: Function) -> QuerySet[FunctionVersion]:
    """Each knows its function and its deploy."""
    # Not joined: for a function of few versions the planner would merge them with all deploys.
    return function.versions.prefetch_related("deploy")


def find_version(function: Function, number: int) -> FunctionVersion:
    """Raises NotFound."""
    try:
        return versions_of(function).get(number=number)
    except FunctionVersion.DoesNotExist:
        raise NotFound(f"{function.slug} has no version {number}") from None


def beneath(function: Function) -> FunctionVersion | None:
    """What was live before what is live, as far as it can be gone back to."""
    # Not joined either.
    release = Release.objects.filter(function=function).prefetch_related("beneath__version").order_by("-pk").first()
    return release.beneath.version if release is not None and release.beneath is not None else None
