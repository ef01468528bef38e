"""What rollback, live and archive have in common: the server moves what is live, and what came of it is told."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from apps.cli.client import Client, Refused
from apps.cli.printing import print_json
from apps.cli.problems import Problem


def move(
    client: Client,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    note: str | None,
    env: str | None,
    as_json: bool,
    again: str = "try again",
) -> None:
    """POSTs, and prints the outcome. `again` is what to do after others have moved the same functions meanwhile."""
    from apps.cli.conflicts import conflict

    begun = time.monotonic()
    with known(is_deploy=path.startswith("/v1/deploys/")):
        try:
            data = client.post(path, body, note=note)["data"]
        except Refused as refused:
            if refused.status == 409:
                raise conflict(refused, again) from None
            raise
    if as_json:
        print_json(data)
        return
    from apps.cli.deployed import tell_moved

    tell_moved(data, time.monotonic() - begun, env)


_FUNCTIONS = "inngest functions --archived lists the functions, inngest versions FUNCTION its versions"
_DEPLOYS = "each deploy has printed its number; inngest rollback without one takes back the last"


@contextmanager
def known(*, is_deploy: bool = False) -> Iterator[None]:
    """For requests about one function or deploy: where there is none of that name, it is said what lists them."""
    try:
        yield
    except Refused as refused:
        if refused.status != 404:
            raise
        listing = _DEPLOYS if is_deploy else _FUNCTIONS
        raise Problem(refused.message, listing) from None
