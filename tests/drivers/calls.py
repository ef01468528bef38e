"""Calls for the drivers' tests, and what to say of their outcomes."""

import hashlib
from collections.abc import Mapping

from drivers.contract import Abort, Bundle, Call, Driver, Limits, Outcome

PAYLOAD = b'{"event":{"name":"user/signed.up","data":{"id":"u1"}},"events":[],"steps":{},"ctx":{"attempt":0}}'


def bundle(files: Mapping[str, str | bytes], root: str = "") -> Bundle:
    contents = {path: file.encode() if isinstance(file, str) else file for path, file in files.items()}
    return Bundle(hashlib.sha256(repr(sorted(contents.items())).encode()).hexdigest(), contents, root)


def script_call(
    source: str | bytes | Mapping[str, str | bytes],
    *,
    root: str = "",
    payload: bytes = PAYLOAD,
    timeout: float = 20.0,
    limits: Limits | None = None,
    env: dict[str, str] | None = None,
    entrypoint: str | None = None,
) -> Call:
    files = source if isinstance(source, Mapping) else {"index.ts": source}
    runtime = {"type": "typescript"} | ({"entrypoint": entrypoint} if entrypoint else {})
    return Call(
        runtime,
        payload,
        "run-1",
        "step-1",
        timeout=timeout,
        limits=limits or Limits(),
        bundle=bundle(files, root),
        env=env or {},
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
