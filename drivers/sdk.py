"""The sdk driver: call a function that an app serves with an official SDK, and read what it answers."""

import re
import time
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from drivers import answers, sdk_answers
from drivers.contract import Abort, Call, Outcome
from drivers.http_client import HttpClient, Request, header, target_of
from drivers.http_connections import Origin
from drivers.signing import canonical, sign

_STEP_ID = re.compile(r"(?<=[?&])stepId=[^&]*")


class SdkDriver:
    queue = "steps"

    def __init__(self) -> None:
        self._client = HttpClient()

    def run(self, call: Call, abort: Abort) -> Outcome:
        try:
            endpoint = _endpoint(str(call.runtime.get("url", "")))
        except ValueError as fault:
            return answers.failed("InvalidURL", str(fault), retryable=False)
        try:
            request = _request(call, endpoint)
        except ValueError as fault:
            message = f"the function's input cannot be signed: {fault}"
            return answers.failed("UnsignableInput", message, retryable=False)
        answer = self._client.ask(request, call, abort, sdk_answers.readable_bytes(call.limits))
        return answer if isinstance(answer, Outcome) else sdk_answers.outcome_of(answer, request, call)

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An app's URL, ready but for the id of the step that it is asked for."""

    origin: Origin
    before: str
    """The request up to the step's id."""
    after: str
    """From there, up to the headers that differ from call to call."""
    shown: str


@lru_cache(maxsize=1024)  # of at most 16 KiB each, and few are: they are those of apps that somebody registered
def _endpoint(url: str) -> _Endpoint:
    """Raises ValueError, in words for the function's author."""
    target = target_of(url)
    found = _STEP_ID.search(target.path)
    if found is None:
        before, after = f"{target.path}{'&' if '?' in target.path else '?'}", ""
    else:
        before, after = target.path[: found.start()], target.path[found.end() :]
    lines = [
        f"{after} HTTP/1.1",
        f"host: {target.host}",
        "user-agent: inngest-server",
        "accept: application/json",
        "accept-encoding: identity",
        "content-type: application/json",
    ]
    if target.authorization is not None:
        lines.append(f"authorization: {target.authorization}")
    return _Endpoint(target.origin, f"POST {before}stepId=", "\r\n".join([*lines, ""]), f"POST {target.shown}")


def _request(call: Call, endpoint: _Endpoint) -> Request:
    """Raises ValueError if the input cannot be signed."""
    key = call.runtime.get("signing_key")
    step, job = str(call.runtime.get("step_id", "step")), header(str(call.runtime.get("job_id", "")))
    # Signed as it will be written by an SDK that only has the parsed body left.
    body = call.payload if key is None else canonical(call.payload)
    headers = {
        "x-run-id": header(call.run_id),
        "x-inngest-step-id": header(step),
        "x-inngest-job-id": job,
        "x-request-id": job,
        "x-inngest-req-version": str(call.runtime.get("request_version", -1)),
        "x-inngest-server-kind": header(str(call.runtime.get("server_kind") or ("dev" if key is None else "cloud"))),
        "content-length": str(len(body)),
    }
    if key is not None:
        headers["x-inngest-signature"] = sign(body, key, int(time.time()))
    own = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{endpoint.before}{quote(step, safe='')}{endpoint.after}{own}\r\n"
    return Request(endpoint.origin, head.encode(), body, endpoint.shown)
