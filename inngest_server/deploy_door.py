"""Who may send the body of a deploy: asked before it is taken, as it is large and is kept on disk."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError, close_old_connections
from rest_framework.exceptions import APIException

from apps.core_api.errors import Unavailable
from apps.core_api.tokens import check_may_deploy

log = logging.getLogger(__name__)

_lookups = ThreadPoolExecutor(2, thread_name_prefix="deploy-keys")
"""So many connections strangers may hold: keys that nobody has are looked up, too."""


class Refusal(NamedTuple):
    status: int
    text: str


async def refusal_of(authorization: bytes) -> Refusal | None:
    """Why whoever shows this header may not deploy; None if they may. Which environment is meant is not asked here."""
    return await asyncio.get_running_loop().run_in_executor(_lookups, _look_up, authorization)


def _look_up(authorization: bytes) -> Refusal | None:
    try:
        check_may_deploy(authorization)
    except APIException as error:
        return Refusal(error.status_code, str(error.detail))
    except OperationalError as error:
        log.warning("no key can be looked up: %s", error)
        return Refusal(Unavailable.status_code, Unavailable.default_detail)
    finally:
        close_old_connections()
    return None


class Place:
    """One of the places for bodies that are being received; given back once, however often it is said."""

    taken = 0

    def __init__(self) -> None:
        Place.taken += 1
        self._is_held = True

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            Place.taken -= 1


def take_place() -> Place | None:
    """None if DEPLOYS_RECEIVED bodies are being received. Called, as all of a place, in the event loop's thread."""
    return Place() if Place.taken < settings.DEPLOYS_RECEIVED else None
