"""The part of the local app that is called as an SDK's functions are. No SDK: it would cost more than what is measured.

    POST /sdk?fnId=<id>&stepId=step   runs the function as far as its next step, and notes when

A function of so many steps runs the first that the call has no result of; with all of them there, it returns.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field

import msgspec

from bench.functions import SDK_STEPS
from bench.wire import answer

_STEP_RUN = b'[{"id":"%b","op":"StepRun","name":"%b","displayName":"%b","data":{"ok":true}}]'
_HEADERS = b"x-inngest-sdk: bench:v1\r\nx-inngest-req-version: 2\r\n"


@dataclass(slots=True)
class Times:
    """Of one run, by CLOCK_MONOTONIC in ns: when each of its calls came, and just before it was answered."""

    n: int
    """The number that its event carries."""
    arrived: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)


class _Data(msgspec.Struct):
    n: int


class _Event(msgspec.Struct):
    data: _Data


class _Stack(msgspec.Struct):
    current: int


class _Context(msgspec.Struct):
    run_id: str
    stack: _Stack


class _Call(msgspec.Struct):
    event: _Event
    ctx: _Context


_decode = msgspec.json.Decoder(_Call).decode


class SdkApp:
    """Its functions' answers, and when they were called."""

    def __init__(self) -> None:
        self._answers = {function.encode(): _answers(steps) for function, steps in SDK_STEPS.items()}
        self._times: dict[str, Times] = {}

    def answer(self, request: bytes, arrived: int) -> bytes:
        """The answer to a call, whose last bytes came at `arrived`."""
        head, _, body = request.partition(b"\r\n\r\n")
        call = _decode(body)
        function = head.partition(b"fnId=")[2].partition(b"&")[0]
        times = self._times.setdefault(call.ctx.run_id, Times(call.event.data.n))
        times.arrived.append(arrived)
        times.answered.append(time.monotonic_ns())
        return self._answers[function][call.ctx.stack.current]

    def tell(self) -> bytes:
        """The times of all runs since it was last asked, as JSON."""
        told = json.dumps([asdict(times) for times in self._times.values()]).encode()
        self._times.clear()
        return told


def _answers(steps: int) -> list[bytes]:
    """What a function of so many steps answers, by the number of results that the call has."""
    names = [f"step-{number}".encode() for number in range(1, steps + 1)]
    ids = [hashlib.sha1(name, usedforsecurity=False).hexdigest().encode() for name in names]
    ran = [_STEP_RUN % (step_id, name, name) for step_id, name in zip(ids, names, strict=True)]
    return [*(answer(one, b"206 Partial Content", _HEADERS) for one in ran), answer(b'{"ok":true}', headers=_HEADERS)]
