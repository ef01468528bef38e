"""Calls for the drivers' tests, and what to say of their outcomes."""

from drivers.contract import Abort, Bundle, Call, Driver, Limits, Outcome

PAYLOAD = b'{"event":{"name":"user/signed.up","data":{"id":"u1"}},"events":[],"steps":{},"ctx":{"attempt":0}}'


def script_call(
    source: str | dict[str, str],
    *,
    root: str = "",
    payload: bytes = PAYLOAD,
    timeout: float = 20.0,
    limits: Limits | None = None,
    env: dict[str, str] | None = None,
    entrypoint: str | None = None,
) -> Call:
    files = {"index.ts": source} if isinstance(source, str) else source
    runtime = {"type": "typescript"} | ({"entrypoint": entrypoint} if entrypoint else {})
    bundle = Bundle(key=str(hash(tuple(sorted(files.items())))), files=files, root=root)
    return Call(
        runtime, payload, "run-1", "step-1", timeout=timeout, limits=limits or Limits(), bundle=bundle, env=env or {}
    )


def http_call(
    url: str, *, payload: bytes = PAYLOAD, timeout: float = 20.0, limits: Limits | None = None, attempt: int = 0
) -> Call:
    runtime = {"type": "http", "url": url}
    return Call(runtime, payload, "run-1", "step-1", attempt=attempt, timeout=timeout, limits=limits or Limits())


def error_of(outcome: Outcome) -> tuple[str, str]:
    assert not outcome.ok
    assert outcome.error is not None
    return outcome.error.name, outcome.error.message


def run(driver: Driver, call: Call) -> Outcome:
    return driver.run(call, Abort())
