"""Branch environments: worlds for the branches of a code base, which share the keys of their parent.

The parent is the environment called `branch`. Each of its children is made when an app first registers to it, with
the name that the SDKs send in `x-inngest-env`.
"""

import uuid

from django.db import transaction

from apps.datastore.models import Environment

BRANCH = "branch"
HEADER = "x-inngest-env"
MAX_BRANCHES = 1_000
MAX_NAME = 200

BRANCH_ENVIRONMENTS = "SELECT slug, id FROM datastore_environment WHERE parent_id IS NOT NULL OR slug = %s"
"""The parent and its children, for BRANCH. Read by event_api, every second, over a connection of its own."""


class NoBranchError(Exception):
    """The text says which branch environment is not there, and what to do."""


def is_of_branches(environment: Environment) -> bool:
    """Whether a key of this environment opens branch environments, so that the header decides which."""
    return environment.slug == BRANCH and environment.parent_id is None


def slug_of_branch(name: str) -> str:
    """A child's slug; no other environment's has a slash."""
    return f"{BRANCH}/{name}"


def environment_for(owner: Environment, header: str | None) -> Environment:
    """The environment that a request is meant for, by its key's environment and its `x-inngest-env`.

    Raises NoBranchError. The header matters only with a key of the branch environments: for every other key it is
    ignored, because the SDKs send the git branch's name by themselves wherever they find one, production included.
    """
    if not is_of_branches(owner):
        return owner
    name = check_name(header)
    child = Environment.objects.filter(slug=slug_of_branch(name)).first()
    if child is None:
        raise NoBranchError(no_such_branch(name))
    return child


def environment_for_sync(owner: Environment, header: str | None) -> Environment:
    """The same, but a branch environment that is not there yet is made. Raises NoBranchError.

    Called once it is known that something can be registered: no command deletes an environment.
    """
    if not is_of_branches(owner):
        return owner
    slug = slug_of_branch(check_name(header))
    child = Environment.objects.filter(slug=slug).first()
    return _make_branch(owner, slug) if child is None else child


@transaction.atomic
def _make_branch(owner: Environment, slug: str) -> Environment:
    # One after the other, so that each counts those that the one before has made.
    lock_environment(owner)
    child = Environment.objects.filter(slug=slug).first()
    if child is not None:
        return child
    if owner.branches.count() >= MAX_BRANCHES:
        raise NoBranchError(f"There are {MAX_BRANCHES} branch environments already, and no more can be made")
    return Environment.objects.create(slug=slug, public_id=uuid.uuid4(), parent=owner)


def lock_environment(environment: Environment) -> None:
    """Until the transaction ends: changes to the keys and branches of one environment go one after the other."""
    Environment.objects.select_for_update(no_key=True).get(pk=environment.pk)


def check_name(header: str | None) -> str:
    """The branch's name. Raises NoBranchError if there is none, or none that can be kept."""
    if not header:
        raise NoBranchError(f"A key of branch environments needs the header `{HEADER}` with the branch's name")
    if len(header) > MAX_NAME or not header.isprintable():
        raise NoBranchError(f"`{HEADER}` must be at most {MAX_NAME} printable characters")
    return header


def no_such_branch(name: str) -> str:
    return f"There is no branch environment {name!r}: an app must be synced to it first"
