"""The apps of the dev environment kept in sync: found, asked to register, and asked again as they change."""

import time
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, connection

from apps.datastore.models import App
from apps.devserver.app_addresses import Place, is_local, place_of
from apps.devserver.app_states import AppState, changes, read_apps
from apps.devserver.discovering import Discovery
from apps.devserver.secrets_in_urls import without_secrets
from drivers.sdk_sync import NoServer, NotThere, SyncFailed, WrongMode, ask_to_sync, introspect, wrong_mode
from drivers.shown_text import MOST_CHARS, one_line

_ANSWER_SECONDS = 10.0
_SLOW_SECONDS = 2.0
_REST_SECONDS = 30.0
"""How long an app is left alone that took its time only to fail."""


class Syncing:
    """Rounds over all apps that are known. Each round says what changed, and a fault once, not again and again."""

    def __init__(self, server: str, given: Sequence[str], discovery: Discovery | None) -> None:
        self._server = server
        self._given = given
        self._discovery = discovery
        self._found: dict[Place, str] = {}
        self._faults: dict[Place, str] = {}
        self._synced: set[Place] = set()
        self._rests_until: dict[Place, float] = {}
        self._served_at: dict[str, Place] = {}
        self._doubles: dict[Place, Place] = {}
        """Where an app was met that another place serves too: it is not asked while that one is up."""

    def waits(self) -> bool:
        """Whether an app that was named by a person has not yet synced."""
        return any(place_of(url) not in self._synced for url in self._given)

    def round(self) -> list[str]:
        """Looks for apps, asks each to sync, and gives the lines for a person."""
        apps = read_apps()
        lines: list[str] = []
        for place, url in self._known(apps).items():
            if self._rests_until.get(place, 0.0) > time.monotonic() or self._doubles.get(place) in self._synced:
                continue
            told: list[str] = []
            try:
                after = self._ask(place, url, apps, told)
                lines += changes(apps, after)
                apps = after
            except Exception as fault:  # whatever it is, the other apps are asked
                self._failed(place, url, fault, told)
            lines += told
        return lines

    def _known(self, apps: dict[str, AppState]) -> dict[Place, str]:
        """The URL of each app: as a person gave it, else as it registered, else as it was found."""
        known: dict[Place, str] = {}
        for url in [*self._given, *(app.url for app in apps.values()), *self._found.values()]:
            place = place_of(url)
            if place is not None and (is_local(place) or url in self._given):
                known.setdefault(place, url)
        if self._discovery is not None:
            own = place_of(self._server)
            # Where a known app is down another one may have come up, at another path.
            up = (place for place in known if place not in self._faults or place in self._doubles)
            ports = {place[1] for place in up if is_local(place)}
            for found in self._discovery.look(ports | ({own[1]} if own else set())):
                place = place_of(found.url)
                assert place is not None
                self._found[place] = known.setdefault(place, found.url)
        return known

    def _ask(self, place: Place, url: str, before: dict[str, AppState], lines: list[str]) -> dict[str, AppState]:
        """The apps after this one has been asked; what went wrong is among the lines, if that is news."""
        began = time.monotonic()
        try:
            if place not in self._synced and introspect(url, timeout=_ANSWER_SECONDS).mode == "cloud":
                # Asked to sync all the same, it would tell its functions to a server in the cloud.
                raise WrongMode(wrong_mode(url, "cloud"))
            ask_to_sync(url, timeout=_ANSWER_SECONDS)
            after = read_apps()
            registered = self._registered(place, url, before, after)
        except SyncFailed as fault:
            if time.monotonic() - began > _SLOW_SECONDS:
                self._rests_until[place] = time.monotonic() + _REST_SECONDS
            if isinstance(fault, NotThere):
                self._found.pop(place, None)
            self._note(place, fault, lines)
            self._synced.discard(place)
            return read_apps()
        self._faults.pop(place, None)
        if place not in self._synced and not changes(before, after):
            lines.append(f"synced app {', '.join(registered)} from {without_secrets(url)}: as before")
        self._synced.add(place)
        return after

    def _failed(self, place: Place, url: str, fault: Exception, lines: list[str]) -> None:
        """A fault of ours, of the database, or of an app that does what no one thought of."""
        if isinstance(fault, (DatabaseError, InterfaceError)):
            connection.close()  # it may be broken, and the next app needs one
        self._synced.discard(place)
        text = one_line(without_secrets(f"{url}: {type(fault).__name__}: {fault}"))
        if self._faults.get(place) != text:
            self._faults[place] = text
            lines.append(f"not synced: {text}")

    def _registered(self, place: Place, url: str, before: dict[str, AppState], after: dict[str, AppState]) -> list[str]:
        """The app that has just registered with us, by id.

        Raises SyncFailed if the app registered, but not here, or if it is a second one of its name.
        """
        moved = [
            slug
            for slug, app in after.items()
            if (slug not in before or before[slug].synced_at != app.synced_at) and self._may_be_at(place, app)
        ]
        if not moved:
            raise SyncFailed(
                f"the app at {url} says that it registered, but not here; with INNGEST_DEV={self._server} it would"
            )
        for slug in moved:
            other = self._served_at.setdefault(slug, place)
            if other != place and other in self._synced:
                # Asked in turn, the two would take the app from each other for ever.
                self._doubles[place] = other
                raise SyncFailed(f"{url} serves app {slug}, which {_shown(other)} serves too: give one another id")
            self._served_at[slug] = place
        return moved

    def _may_be_at(self, place: Place, app: AppState) -> bool:
        """Apps also register when others ask them; behind a proxy one has another URL than that at which we ask."""
        registered = place_of(app.url)
        return registered == place or registered not in self._synced

    def _note(self, place: Place, fault: SyncFailed, lines: list[str]) -> None:
        hint = f" (this server is found with INNGEST_DEV={self._server})" if isinstance(fault, NoServer) else ""
        text = one_line(without_secrets(str(fault)), MOST_CHARS - len(hint)) + hint
        if self._faults.get(place) == text:
            return
        self._faults[place] = text
        gone = isinstance(fault, NotThere) and place in self._synced
        lines.append(f"gone: {text}" if gone else f"not synced: {text}")
        for app in App.objects.filter(environment__slug="dev", archived_at=None):
            if place_of(app.url) == place:
                App.objects.filter(pk=app.pk).update(error=text)


def _shown(place: Place) -> str:
    host = "localhost" if is_local(place) else place[0]
    return f"{host}:{place[1]}{place[2]}"
