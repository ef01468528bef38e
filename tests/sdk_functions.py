"""SDK functions for the tests of the kernel: a small SDK of our own, whose calls are answered in this process.

A function is a generator: it yields what it asks for (`run`, `sleep`, …, or several at once: a list waits for all of
them, a `Race` for the first) and is sent the results, as the real SDKs do it with the results that a call carries.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.datastore.definition.types import (
    SDK_STEP,
    TRIGGER,
    Edge,
    EventTrigger,
    FunctionDefinition,
    Runtime,
    Sdk,
    Step,
)
from apps.datastore.models import Function
from drivers.contract import Abort, Call, Outcome, StepError
from tests.functions import deploy, dev_environment

Opts = Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """An opcode that a function answers with, until its result is there."""

    id: str
    op: str
    opts: Opts = field(default_factory=dict)
    name: str | None = None
    work: Callable[[], Any] | None = None

    @property
    def hash(self) -> str:
        return hash_of(self.id)

    def planned(self, **opts: Any) -> dict[str, Any]:
        return {
            "id": self.hash,
            "op": self.op,
            "displayName": self.id,
            "name": self.name,
            "opts": {**self.opts, **opts},
        }


@dataclass(frozen=True)
class Race:
    """Goes on with the first that ends; the others are asked for with whatever comes next."""

    asks: Sequence[Ask]


class StepFault(Exception):
    """A step has failed for good, as its function sees it."""


def hash_of(step_id: str) -> str:
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


def run(step_id: str, work: Callable[[], Any] = lambda: None, **opts: Any) -> Ask:
    return Ask(step_id, "StepPlanned", opts, work=work)


def sleep(step_id: str, duration: str) -> Ask:
    return Ask(step_id, "Sleep", name=duration)


def wait(step_id: str, event: str, timeout: str = "1h", match: str | None = None) -> Ask:
    return Ask(step_id, "WaitForEvent", {"timeout": timeout} | ({} if match is None else {"if": match}), name=event)


def signal(step_id: str, signal: str, timeout: str = "1h", conflict: str = "fail") -> Ask:
    return Ask(step_id, "WaitForSignal", {"signal": signal, "timeout": timeout, "conflict": conflict})


def invoke(step_id: str, function_id: str, data: object = None, **opts: Any) -> Ask:
    return Ask(step_id, "InvokeFunction", {"function_id": function_id, "payload": {"data": data}, **opts})


def fetch(step_id: str, url: str) -> Ask:
    return Ask(step_id, "Gateway", {"url": url})


Steps = Generator[Ask | Sequence[Ask] | Race, Any, Any]
Program = Callable[[Any], Steps]
"""Takes the event."""


def nothing(event: object) -> Steps:
    """Takes no step and returns null."""
    yield from ()


class Failing:
    """A step's code that fails so many times and then gives its value; counts how often it was run."""

    def __init__(self, times: int, value: object = None) -> None:
        self.times = times
        self.value = value
        self.runs = 0

    def __call__(self) -> object:
        self.runs += 1
        if self.runs <= self.times:
            raise ValueError(f"failure {self.runs}")
        return self.value


class SdkApp:
    """Answers the calls of its functions as the SDKs do, in version 2 of the protocol unless told otherwise."""

    queue = "steps"

    def __init__(self) -> None:
        self.functions: dict[str, Program] = {}
        self.calls: Counter[str] = Counter()
        """By what was to be run: `step`, or a step's hash."""
        self.seen: list[dict[str, Any]] = []
        """The bodies of the calls."""
        self.version = 2
        self.answer: Callable[[Call], Outcome | None] = lambda call: None
        """Answers in the functions' place, unless with None."""

    def run(self, call: Call, abort: Abort) -> Outcome:
        body = json.loads(call.payload)
        self.seen.append(body)
        target = str(call.runtime["step_id"])
        self.calls[target] += 1
        answer = self.answer(call)
        if answer is not None:
            return answer
        function = self.functions[str(call.runtime["url"])]
        try:
            return self._call(function(body["event"]), body, None if target == SDK_STEP else target)
        except StepFault as fault:
            return Outcome(ok=False, error=StepError("StepFault", str(fault)), retryable=False)
        except Exception as error:
            return Outcome(ok=False, error=StepError(type(error).__name__, str(error)))

    def close(self) -> None:
        """Nothing is open."""

    def _call(self, function: Steps, body: dict[str, Any], target: str | None) -> Outcome:
        steps = body["steps"]
        lost: list[dict[str, Any]] = []
        try:
            asked = next(function)
            while True:
                is_race = isinstance(asked, Race)
                group = _group(asked)
                new = [one for one in group if one.hash not in steps]
                if target is not None and (targeted := [one for one in new if one.hash == target]):
                    return self._ran(targeted[0], body)
                opcodes = [
                    one.planned(**({"parallelMode": "race"} if is_race and self.version > 1 else {})) for one in new
                ]
                if new and (not is_race or len(new) == len(group)):
                    is_alone = len(new) == 1 and new[0].op == "StepPlanned" and not (is_race or lost or target)
                    if is_alone and not body["ctx"]["disable_immediate_execution"]:
                        return self._ran(new[0], body)
                    return self.asks([*lost, *opcodes])
                lost += opcodes
                asked = _resume(function, asked, group, body)
        except StopIteration as end:
            return Outcome(ok=True, output=json.dumps(end.value), request_version=self.version)

    def _ran(self, ask: Ask, body: dict[str, Any]) -> Outcome:
        assert ask.work is not None
        try:
            answer = {"op": "StepRun", "data": ask.work()}
        except Exception as error:
            is_last = body["ctx"]["attempt"] + 1 >= body["ctx"]["max_attempts"]
            fault = {"name": type(error).__name__, "message": str(error)}
            answer = {"op": "StepFailed" if is_last else "StepError", "error": fault}
        return self.asks([{**ask.planned(), **answer}])

    def asks(self, opcodes: Sequence[Opts], **outcome: Any) -> Outcome:
        """An answer with these opcodes."""
        return Outcome(ok=True, opcodes=json.dumps(opcodes), request_version=self.version, **outcome)


def _group(asked: Ask | Sequence[Ask] | Race) -> list[Ask]:
    if isinstance(asked, Race):
        return list(asked.asks)
    return [asked] if isinstance(asked, Ask) else list(asked)


def _resume(
    function: Steps, asked: Ask | Sequence[Ask] | Race, group: Sequence[Ask], body: dict[str, Any]
) -> Ask | Sequence[Ask] | Race:
    steps = body["steps"]
    if isinstance(asked, Race):
        first = min(
            (one for one in group if one.hash in steps), key=lambda one: body["ctx"]["stack"]["stack"].index(one.hash)
        )
        group = [first]
    results = [_result(steps[one.hash]) for one in group]
    faults = [one for one in results if isinstance(one, StepFault)]
    if faults:
        return function.throw(faults[0])
    return function.send(results[0] if isinstance(asked, Ask | Race) else results)


def _result(given: Any) -> Any:
    if isinstance(given, dict) and given.keys() == {"data"}:
        return given["data"]
    if isinstance(given, dict) and given.keys() == {"error"}:
        return StepFault(given["error"]["message"])
    return given


def deploy_sdk(slug: str = "app-fn", *, event: str = "test/event", attempts: int = 1, **fields: Any) -> Function:
    """A function of an SDK's app, with its id as its URL."""
    step = Step(
        id=SDK_STEP,
        name=slug,
        path="",
        runtime=Runtime("sdk", {"url": slug}),
        after=(Edge(TRIGGER),),
        attempts=attempts,
        timeout=30.0,
    )
    definition = FunctionDefinition(
        id=slug,
        name=slug,
        triggers=(EventTrigger(event),) if event else (),
        steps={SDK_STEP: step},
        sdk=Sdk("app", "http://127.0.0.1:9/api/inngest", "py:v0.5.19"),
        **fields,
    )
    return deploy(dev_environment(), definition, {}).version.function


def serve(app: SdkApp, program: Program, slug: str = "app-fn", **options: Any) -> Function:
    """Let the app have this function, and the server know of it."""
    app.functions[slug] = program
    return deploy_sdk(slug, **options)
