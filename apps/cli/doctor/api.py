"""The API as this CLI sees it: whether it answers, which it is, what the token is good for, and its own `/ready`."""

import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from apps.cli.client import KIND, Client, Refused, Unreachable
from apps.cli.doctor.database import skew
from apps.cli.doctor.finding import Finding, fault, ok, skipped, warning
from apps.cli.doctor.place import Place
from apps.cli.printing import one_line
from apps.cli.problems import Problem
from apps.cli.refusals import unreachable
from apps.cli.servers import API_URL, DEV_URL, Server, choose_server, is_safe_for_tokens

CONNECT_SECONDS = 3.0
READ_SECONDS = 4.0
_MOST_BYTES = 64 * 1024
_DATE_SECONDS = 1.0
"""How exactly an HTTP date is known."""


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
    at: float
    """When its headers were here, in seconds since 1970."""


def check_api(env: str | None, place: Place) -> list[Finding]:
    """Of the server that commands go to; where nobody has named one, of the dev server of this folder."""
    here = not place.missing
    elsewhere: list[Finding] = []
    is_guess = False
    try:
        server = choose_server(env)
        # Nobody has said that there is a server.
        is_guess = server.url == DEV_URL and server.token is None and not os.environ.get(API_URL)
        if is_guess and place.url and place.url != DEV_URL:
            elsewhere = [_elsewhere(place.url)]
            server, is_guess = server._replace(url=place.url), False
        health = _get(server, "/health")
    except Unreachable as problem:
        if here and is_guess:
            return [skipped("API", f"nothing answers at {DEV_URL}; {API_URL} or inngest login names a server")]
        return [fault("API", one_line(problem.message), _advice(problem)), *elsewhere]
    except Problem as problem:
        return [fault("API", one_line(problem.message), problem.next_step)]
    if KIND not in health.headers:
        return [fault("API", f"{server.url} is not an Inngest server", f"check the address: {API_URL}, inngest login")]
    ready = _ready(server, here)
    return [*_who(server, health, is_ready=ready.level == "ok"), *elsewhere, _clock(health), ready]


def _elsewhere(url: str) -> Finding:
    told = f"commands go to {DEV_URL} unless they are told otherwise, and the dev server of this folder is at {url}"
    return warning("address", told, f"export {API_URL}={url}\ninngest login --url {url}")


def _advice(problem: Problem) -> str:
    """Without what sends one to doctor again."""
    steps = [step for step in problem.next_step.split("; ") if "inngest doctor" not in step]
    return "; ".join(steps)


def _get(server: Server, path: str) -> Answered:
    """Without the token. Raises Unreachable."""
    import urllib3

    from apps.cli.proxies import pool_for

    try:
        response = pool_for(server.url).request(
            "GET",
            f"{server.url}{path}",
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        at = time.time()
        body = response.read(_MOST_BYTES)
        response.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise unreachable(server, error) from error
    return Answered(response.status, response.headers, body, at)


def _who(server: Server, health: Answered, *, is_ready: bool) -> list[Finding]:
    """The server's version, and what the token opens."""
    kind = one_line(health.headers[KIND], 20)
    place = f"{server.url}, {'dev server' if kind == 'dev' else 'production'}"
    unsafe = server.token is not None and not is_safe_for_tokens(server.url)
    try:
        data = Client(server, CONNECT_SECONDS, READ_SECONDS).get("/v1/whoami")["data"]
        found = [_version(place, data["server"]), _access(server, data)]
    except Refused as refused:
        if refused.status == 404:
            told = "the server is older than this CLI: it has no /v1/whoami"
            found = [ok("API", place), warning("token", told, "update the server")]
        elif refused.status >= 500:
            found = [ok("API", place), _not_told(refused, is_ready)]
        else:
            found = [ok("API", place), fault("token", one_line(refused.message, 200), _advice(refused))]
    except Problem as problem:
        found = [ok("API", place), _not_told(problem, is_ready)]
    except (KeyError, TypeError):
        found = [ok("API", place), fault("token", "the answer of /v1/whoami cannot be understood", "update the CLI")]
    if unsafe:
        told = f"{server.url} is plain http: everybody on the way can read the token"
        found.append(warning("line", told, "use its https address"))
    return found


def _not_told(problem: Problem, is_ready: bool) -> Finding:
    """The server could not say what the token is good for. If it is not ready, that is told with `/ready`."""
    if not is_ready:
        return skipped("token", "not known before the server is ready")
    return fault("/v1/whoami", one_line(problem.message, 200), "the server's log says why")


def _version(place: str, server: Mapping[str, Any]) -> Finding:
    from apps.version import VERSION

    version = one_line(str(server["version"]), 40)
    if version == VERSION:
        return ok("API", f"{place}, version {version}")
    found = f"{place}, version {version}; this CLI is version {VERSION}"
    return warning("API", found, "install the CLI of the server's version")


def _access(server: Server, data: Mapping[str, Any]) -> Finding:
    environment, access = one_line(str(data["environment"]["name"]), 80), data["access"]
    if access["kind"] == "dev":
        return ok("token", f"none needed; environment {environment}")
    name = one_line(f"{access.get('name') or access['kind']} ({access.get('hint') or '?'}…)", 80)
    if server.environment is not None and server.environment != environment:
        found = f"{name} is for environment {environment}, not for {server.environment}"
        return fault("token", found, f"inngest login --url {server.url}, with a token of {server.environment}")
    return ok("token", f"{name}: environment {environment}, scope {access['scope']}")


def _clock(health: Answered) -> Finding:
    try:
        there = parsedate_to_datetime(health.headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return skipped("API's clock", "the answer has no date")
    # The date is cut to the second.
    return skew("API's clock", "the server", there + _DATE_SECONDS / 2 - health.at, _DATE_SECONDS)


def _ready(server: Server, here: bool) -> Finding:
    try:
        answer = _get(server, "/ready")
        checks = msgspec.json.decode(answer.body)["checks"]
        faults = [f"{name}: {check['message']}" for name, check in checks.items() if not check["ok"]]
    except Problem as problem:
        return fault("/ready", one_line(problem.message, 200), _advice(problem))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return fault("/ready", "its answer cannot be understood", f"look at {server.url}/ready")
    if faults or answer.status != 200:
        told = one_line("; ".join(faults) or f"it answers {answer.status}", 400)
        to_do = "run inngest doctor on the server: it says what to do about each"
        return fault("/ready", told, "" if here else to_do)
    return ok("/ready", "events are accepted and worked on")
