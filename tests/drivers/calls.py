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


def sdk_call(
    url: str,
    *,
    payload: bytes = PAYLOAD,
    timeout: float = 20.0,
    limits: Limits | None = None,
    path: str = "/api/inngest?fnId=shop-order&stepId=step",
    step_id: str = "step",
    signing_key: str | None = None,
    **more: object,
) -> Call:
    runtime = {
        "type": "sdk",
        "url": url + path,
        "step_id": step_id,
        "request_version": -1,
        "job_id": "job-1",
        "signing_key": signing_key,
    }
    return Call(runtime | more, payload, "run-1", "step-1", timeout=timeout, limits=limits or Limits())


def gateway_call(op: str, opts: dict[str, object], *, timeout: float = 20.0, limits: Limits | None = None) -> Call:
    runtime = {"type": "gateway", "op": op, "opts": opts}
    return Call(runtime, b"{}", "run-1", "step-1", timeout=timeout, limits=limits or Limits())
