"""Random functions, what their steps do at each attempt, and a simple model of what must become of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from drivers.contract import Call, Outcome
from tests.functions import fail, succeed


@dataclass(frozen=True)
class Story:
    """A function's graph, and what happens at each attempt of each step: `ok`, `retry`, `stop` or `raise`."""

    graph: Mapping[str, Sequence[str]]
    attempts: int
    acts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def act(self, step: str, attempt: int) -> str:
        acts = self.acts.get(step, ())
        return acts[attempt - 1] if attempt <= len(acts) else "ok"

    def answer(self, call: Call) -> Outcome:
        """As a driver does it; counts attempts from 0."""
        act = self.act(call.step_id, call.attempt + 1)
        if act == "raise":
            raise RuntimeError("the driver itself broke")
        if act == "ok":
            return succeed(f'"{call.step_id}"')
        return fail(act, for_good=act == "stop", retry_after=0)

    def tries(self, step: str) -> int:
        """How many attempts the step takes if it is reached."""
        for attempt in range(1, self.attempts + 1):
            if self.act(step, attempt) in {"ok", "stop"}:
                return attempt
        return self.attempts

    def ends_well(self, step: str) -> bool:
        return self.act(step, self.tries(step)) == "ok"

    def reached(self) -> set[str]:
        """The steps that run: the first ones, and what follows a step that ends well."""
        found: set[str] = set()
        todo = [step for step, after in self.graph.items() if not after]
        while todo:
            step = todo.pop()
            if step not in found:
                found.add(step)
                if self.ends_well(step):
                    todo += [child for child, after in self.graph.items() if step in after]
        return found

    def status(self) -> str:
        return "completed" if all(map(self.ends_well, self.reached())) else "failed"


@st.composite
def stories(draw: st.DrawFn) -> Story:
    names = [f"s{number}" for number in range(draw(st.integers(1, 7)))]
    graph: dict[str, Sequence[str]] = {}
    for number, name in enumerate(names):
        earlier = names[:number]
        graph[name] = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else ()
    acts = st.lists(st.sampled_from(["ok", "retry", "retry", "stop", "raise"]), max_size=3)
    return Story(graph, draw(st.integers(1, 3)), draw(st.dictionaries(st.sampled_from(names), acts)))
