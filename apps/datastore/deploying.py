"""Deploys: new immutable versions and the move of the live pointers, in one transaction (rule 12)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Q

from apps.datastore import manifest as manifests
from apps.datastore.blobs import digest_of_content, store_blobs
from apps.datastore.changes import Change, Deployed, Kind, file_changes
from apps.datastore.definition.faults import Fault, InvalidDefinition
from apps.datastore.definition.types import FunctionDefinition, to_json
from apps.datastore.deploys import By, DeployConflict, last_deploy, moved_since, open_deploy
from apps.datastore.going_live import Move, move
from apps.datastore.locking import free_unserved, limit_waits, lock_or_make
from apps.datastore.models import Deploy, Environment, Function, FunctionVersion
from apps.datastore.releases import current_releases

_ROWS = 500
"""Rows in one statement."""


class Content(NamedTuple):
    """What a version is made of."""

    definition: FunctionDefinition
    files: Mapping[str, bytes] = {}
    """The function's own, by path, without the definition's."""
    folder: str = ""
    """DevServer only: where the files were read."""


class _Wanted(NamedTuple):
    """A function's content, and what there is of the function."""

    content: Content
    definition: str
    manifest: manifests.Manifest
    digest: str
    function: Function | None
    live: FunctionVersion | None
    there: FunctionVersion | None
    """The version that is this content."""
    last: int
    """The highest number of a version; 0 if there is none."""

    def change(self, live: bool, made: FunctionVersion | None = None) -> Change:
        """What the deploy does, or did, to the function."""
        version = made or self.there
        was = self.live.number if self.live else None
        goes_live = live and (self.live is None or version is None or version.pk != self.live.pk)
        kind: Kind = "changed" if self.last else "new"
        if made is None and self.there is not None:
            kind = "restored" if goes_live else "unchanged"
        old = manifests.from_json(self.live.manifest) if self.live else {}
        return Change(
            function_id=self.content.definition.id,
            definition=self.content.definition,
            kind=kind,
            version=version.number if version else self.last + 1,
            was=was,
            is_live=live or (self.live is not None and version is not None and version.pk == self.live.pk),
            files=file_changes(old, self.manifest),
            definition_changed=self.live is None or self.live.definition != self.definition,
        )


def deploy(
    environment: Environment,
    contents: Sequence[Content],
    by: By,
    *,
    live: bool = True,
    base: int | None = None,
    dry_run: bool = False,
    archive: Collection[str] = (),
) -> Deployed:
    """Make these functions' contents versions and, unless not `live`, what events and crons start: all or none.

    `base` is the last deploy that the deployer knew: DeployConflict is raised if a later one has given one of the
    functions other content. `archive` are ids of declared functions to take down with it. Raises InvalidDefinition,
    whose faults name their functions, if an id is there twice, or if an app serves a function of it.
    """
    _refuse_twice(contents)
    if dry_run:
        return _plan(environment, contents, live, base)
    with transaction.atomic():
        limit_waits()
        slugs = [content.definition.id for content in contents]
        functions = lock_or_make(environment, slugs, also=Q(slug__in=archive))
        free_unserved([functions[slug] for slug in slugs])
        _refuse_taken(functions[slug] for slug in slugs)
        gone = [functions[slug] for slug in archive if slug in functions and _is_live_and_declared(functions[slug])]
        return deploy_locked(environment, functions, contents, by, live=live, base=base, gone=gone)


def deploy_locked(
    environment: Environment,
    functions: Mapping[str, Function],
    contents: Sequence[Content],
    by: By,
    *,
    live: bool = True,
    base: int | None = None,
    gone: Sequence[Function] = (),
) -> Deployed:
    """The same in as few statements for a thousand functions as for one.

    Called by `deploy` and by registering, in a transaction that has locked the functions, by their ids, and read them
    after that. `gone` are live and taken down.
    """
    wanted = _look(functions, contents)
    moving = _moving(wanted, live)
    making = [one for one in wanted if one.there is None]
    if base is not None:
        _refuse_moved(moving, base)
    if not (moving or making or gone):
        return Deployed(None, last_deploy(environment), [one.change(live) for one in wanted])
    store_blobs({digest_of_content(content): content for one in making for content in one.content.files.values()})
    opened = open_deploy(environment, by)
    made = _make_versions(making, opened)
    releases = current_releases([*(function for one in moving if (function := one.function)), *gone])
    moves = [
        Move(function, made.get(function.pk, one.there), one.content.definition, releases.get(function.pk))
        for one in moving
        if (function := one.function)
    ]
    downs = [Move(function, None, None, releases.get(function.pk)) for function in gone]
    if moves or downs:
        move(opened, [*moves, *downs])
    changes = [one.change(live, made.get(one.function.pk) if one.function else None) for one in wanted]
    return Deployed(opened, opened.number, changes)


def _plan(environment: Environment, contents: Sequence[Content], live: bool, base: int | None) -> Deployed:
    """What a deploy would do, without waiting for anybody."""
    functions = _by_slug(environment, [content.definition.id for content in contents])
    _refuse_taken(functions.values())
    wanted = _look(functions, contents)
    if base is not None:
        _refuse_moved(_moving(wanted, live), base)
    return Deployed(None, last_deploy(environment), [one.change(live) for one in wanted])


def _moving(wanted: Sequence[_Wanted], live: bool) -> list[_Wanted]:
    """Those of which another version is to go live."""
    return [one for one in wanted if live and (one.there is None or one.live is None or one.there.pk != one.live.pk)]


def _refuse_twice(contents: Sequence[Content]) -> None:
    slugs = [content.definition.id for content in contents]
    twice = [slug for slug in dict.fromkeys(slugs) if slugs.count(slug) > 1] if len(set(slugs)) < len(slugs) else []
    if twice:
        raise InvalidDefinition([Fault("$.id", f"{slug!r} is there twice", function=slug) for slug in twice])


def _refuse_taken(functions: Iterable[Function]) -> None:
    """A function that an app has registered, and serves, is the app's."""
    taken = [function for function in functions if function.app_id is not None and function.live_version_id is not None]
    if taken:
        raise InvalidDefinition(
            [Fault("$.id", f"an app has registered a function {one.slug!r}", function=one.slug) for one in taken]
        )


def _refuse_moved(moving: Sequence[_Wanted], base: int) -> None:
    moved = moved_since([one.function for one in moving if one.function], base)
    if moved:
        raise DeployConflict(moved)


def _by_slug(environment: Environment, slugs: Collection[str]) -> dict[str, Function]:
    found = Function.objects.filter(environment=environment, slug__in=slugs)
    return {function.slug: function for function in found}


def _is_live_and_declared(function: Function) -> bool:
    return function.live_version_id is not None and function.app_id is None


def _look(functions: Mapping[str, Function], contents: Sequence[Content]) -> list[_Wanted]:
    """Each content beside what there is of its function."""
    own = [function for content in contents if (function := functions.get(content.definition.id))]
    lives = FunctionVersion.objects.in_bulk([function.live_version_id for function in own if function.live_version_id])
    last = dict(
        FunctionVersion.objects.filter(function__in=own).order_by().values_list("function_id").annotate(Max("number"))
    )
    found = []
    for content in contents:
        definition, manifest = to_json(content.definition), manifests.manifest_of(content.files)
        text = f"{definition}\0{manifests.to_json(manifest)}"
        function = functions.get(content.definition.id)
        live = lives.get(function.live_version_id) if function and function.live_version_id else None
        number = last.get(function.pk, 0) if function else 0
        digest = digest_of_content(text.encode("utf-8", "surrogatepass"))
        found.append(_Wanted(content, definition, manifest, digest, function, live, None, number))
    same: dict[tuple[int, str], list[FunctionVersion]] = {}
    digests = [one.digest for one in found]
    for version in FunctionVersion.objects.filter(function__in=own, digest__in=digests).order_by("-number"):
        same.setdefault((version.function_id, version.digest), []).append(version)
    return [one._replace(there=_that_is(one, same)) for one in found]


def _that_is(wanted: _Wanted, same: Mapping[tuple[int, str], Sequence[FunctionVersion]]) -> FunctionVersion | None:
    """The version that is this content: the one that is live if that is it, else the newest.

    Where it was read matters to the DevServer alone, which finds the `.env` there.
    """
    if wanted.function is None:
        return None
    folder = wanted.content.folder
    found = [one for one in same.get((wanted.function.pk, wanted.digest), ()) if folder in ("", one.folder)]
    return next((one for one in found if wanted.live is not None and one.pk == wanted.live.pk), next(iter(found), None))


def _make_versions(making: Sequence[_Wanted], opened: Deploy) -> dict[int, FunctionVersion]:
    """By function."""
    versions = FunctionVersion.objects.bulk_create(
        (
            FunctionVersion(
                function=one.function,
                number=one.last + 1,
                definition=one.definition,
                manifest=manifests.to_json(one.manifest),
                folder=one.content.folder,
                digest=one.digest,
                deploy=opened,
            )
            for one in making
        ),
        batch_size=_ROWS,
    )
    return {version.function_id: version for version in versions}
