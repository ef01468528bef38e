"""Scripts that fetch, and what they fetch from."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from drivers.contract import Abort, Call, Limits, Outcome
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of, script_call
from tests.drivers.server import Request, Server, reply


def fetch_call(body: str, hosts: Iterable[str | Server], timeout: float = 20.0, limits: Limits | None = None) -> Call:
    """A step whose function has this body and may reach the hosts. ``U`` is the URL of the first of them."""
    listed = [host.url.removeprefix("http://") if isinstance(host, Server) else host for host in hosts]
    url = f"http://{listed[0]}" if listed else ""
    source = f"const U = {json.dumps(url)};\nexport async function run(input: any): Promise<any> {{ {body} }}"
    call = script_call(source, timeout=timeout, limits=limits)
    return replace(call, runtime={**call.runtime, "hosts": listed})


def fetched(driver: TypeScriptDriver, body: str, *hosts: str | Server, **options: Any) -> Any:
    """What it gives back."""
    outcome = driver.run(fetch_call(body, hosts, **options), Abort())
    assert outcome.ok, outcome
    return json.loads(outcome.output or "")


def not_fetched(driver: TypeScriptDriver, body: str, *hosts: str | Server, **options: Any) -> tuple[str, str, Outcome]:
    """The name and message of its error."""
    outcome = driver.run(fetch_call(body, hosts, **options), Abort())
    return *error_of(outcome), outcome


def echo(request: Request) -> bytes:
    """Says what came: the request line, the headers, the body's bytes."""
    line, *headers = request.head.decode("latin-1").split("\r\n")
    return reply(json.dumps([line, dict(one.split(": ", 1) for one in headers), list(request.body)]).encode())
