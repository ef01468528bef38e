"""Answers that a person gives, as flags or when asked: each is checked as the definition will be."""

import re
import unicodedata
from collections.abc import Mapping

from apps.cli.scaffold.plan import HTTP, LANGUAGES, RUNTIMES
from apps.datastore.definition import InvalidDefinition, parse
from apps.datastore.definition.suggestions import did_you_mean
from apps.datastore.definition.values import MAX_SLUG

DEFAULT_NAME = "My function"
DEFAULT_EVENT = "user/signed.up"
DEFAULT_LANGUAGE = LANGUAGES[0]


class NotAnAnswer(Exception):
    """Says in a sentence what is wrong with it."""


def slug(name: str) -> str:
    """The function's id and its folder's name: `grosse-raume` of "Große Räume". Raises NotAnAnswer for a name without
    letters and digits."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    found = re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-")
    if not found:
        raise NotAnAnswer("a name needs a letter from a to z, or a digit: the function's id is made from it")
    return found


def name(text: str) -> str:
    _check("a name", {"name": text.strip()}, "$.name")
    slug(text)
    return text.strip()


def event(text: str) -> str:
    _check("an event's name", {"triggers": [{"event": text.strip()}]}, "$.triggers")
    if text.strip().startswith("inngest/"):
        raise NotAnAnswer("names that begin with inngest/ are the server's own events")
    return text.strip()


def cron(text: str) -> str:
    _check("the cron", {"triggers": [{"cron": text.strip()}]}, "$.triggers")
    return text.strip()


def url(text: str) -> str:
    step = {"id": "s", "runtime": {"type": HTTP, "url": text.strip()}}
    _check("the URL", {"steps": {"s": step}}, "$.steps")
    return text.strip()


def language(text: str) -> str:
    found = text.strip().lower()
    if found not in LANGUAGES:
        raise NotAnAnswer(f"a language is one of {', '.join(LANGUAGES)}{did_you_mean(found, LANGUAGES)}")
    return found


def runtime(text: str, chosen: str) -> str:
    """One that the language has."""
    if text not in RUNTIMES[chosen]:
        raise NotAnAnswer(f"{chosen} runs on {' or '.join(RUNTIMES[chosen])}, not on {text}")
    return text


def is_cron(text: str) -> bool:
    """Whether a person who may say either has said a cron."""
    return text.strip().startswith("TZ=") or len(text.split()) >= 5


def _check(what: str, part: Mapping[str, object], path: str) -> None:
    """Raises NotAnAnswer for the first fault of the definition's part that is at the path, or below it."""
    try:
        parse(dict(part), {})
    except InvalidDefinition as invalid:
        for fault in invalid.faults:
            if fault.path.startswith(path) and not fault.message.startswith("is missing"):
                raise NotAnAnswer(f"{what} {fault.message}") from None
