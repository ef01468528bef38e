"""Random SDK functions: groups of steps one after another, a plain interpreter of them, and hypothesis strategies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.sdk_functions import Ask, Failing, Race, StepFault, Steps, invoke, run, sleep, wait

ATTEMPTS = 3
CALLEE = "callee"
PAST = "2020-01-01T00:00:00Z"


@dataclass
class Leaf:
    """One step. `fails` times its code fails; a wait whose event `comes` gets it."""

    kind: str
    name: str
    value: int = 0
    fails: int = 0
    comes: bool = True
    code: Failing = field(init=False)

    def __post_init__(self) -> None:
        self.code = Failing(self.fails, self.value)

    def ask(self) -> Ask:
        if self.kind == "run":
            return run(self.name, self.code)
        if self.kind == "sleep":
            return sleep(self.name, f"{self.value}s")
        if self.kind == "wait":
            return wait(self.name, "answer", "1h" if self.comes else PAST, f"async.data.step == '{self.name}'")
        return invoke(self.name, CALLEE, {"value": self.value, "fails": self.fails > 0})

    def result(self) -> Any:
        """What a plain interpreter gives for it; a text is the fault that it raises."""
        if self.kind == "run":
            return f"failure {ATTEMPTS}" if self.fails >= ATTEMPTS else self.value
        if self.kind == "sleep":
            return None
        if self.kind == "wait":
            return self.name if self.comes else None
        return "the callee failed" if self.fails else self.value


@dataclass
class Group:
    """Steps side by side (one: a plain step), all waited for, or raced."""

    leaves: Sequence[Leaf]
    races: bool = False


Plan = Sequence[Group]


def perform(plan: Plan) -> Steps:
    """The function: what each group gave, in order; a fault counts as its message."""
    found: list[Any] = []
    for group in plan:
        asks = [leaf.ask() for leaf in group.leaves]
        try:
            if group.races:
                yield Race(asks)
                found.append("raced")
            elif len(asks) == 1:
                found.append(_plain((yield asks[0])))
            else:
                found.append([_plain(one) for one in (yield asks)])
        except StepFault as fault:
            found.append("raced" if group.races else str(fault))
    return found


def _plain(result: Any) -> Any:
    return result["data"]["step"] if isinstance(result, dict) else result


def expected(plan: Plan) -> list[Any]:
    """What the function returns, whatever happens around it."""
    found: list[Any] = []
    for group in plan:
        results = [leaf.result() for leaf in group.leaves]
        faults = [one for one, leaf in zip(results, group.leaves, strict=True) if _is_fault(leaf)]
        if group.races:
            found.append("raced")
        elif faults:
            found.append(faults[0])
        else:
            found.append(results[0] if len(results) == 1 else results)
    return found


def _is_fault(leaf: Leaf) -> bool:
    return leaf.fails > 0 if leaf.kind == "invoke" else leaf.fails >= ATTEMPTS


def perform_callee(event: dict[str, Any]) -> Steps:
    """Takes a step, and then gives its value or fails."""
    value = yield run("a", lambda: event["data"]["value"])
    if event["data"]["fails"]:
        raise StepFault("the callee failed")
    return value


def leaves(plan: Plan) -> list[Leaf]:
    return [leaf for group in plan for leaf in group.leaves]


KINDS = st.sampled_from(["run", "run", "run", "sleep", "wait", "invoke"])


@st.composite
def plans(draw: st.DrawFn, *, races: bool = True) -> Plan:
    """Up to five groups of up to four steps, each with a name of its own."""
    groups = []
    for place in range(draw(st.integers(1, 5))):
        size = draw(st.sampled_from([1, 1, 2, 3, 4]))
        members = [
            Leaf(
                draw(KINDS),
                f"g{place}s{number}",
                draw(st.integers(0, 3)),
                draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
                draw(st.booleans()),
            )
            for number in range(size)
        ]
        for leaf in members:
            leaf.fails = 0 if leaf.kind in {"sleep", "wait"} else leaf.fails
        groups.append(Group(members, races and size > 1 and draw(st.sampled_from([False, False, True]))))
    return groups
