"""Random functions with joins, conditions and waits, and a simple model of the lives that a run of one may lead."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hypothesis import strategies as st

from apps.core_api.reachability import KnownWait, Reached, unreached_steps
from apps.datastore.definition.types import TRIGGER, Async, Edge, FunctionDefinition
from tests.functions import define_steps

PAID = Async("order/paid", ttl=60)
SENT = Async("order/sent", ttl=60, match="async.data.id == 1")
CONDITIONS = (None, None, "event.data.yes", "event.data.no")


@dataclass
class Life:
    """A run as `walking` and `resuming` lead it, with every chance that they leave to steps, conditions and events."""

    definition: FunctionDefinition
    chance: Callable[[], bool]
    steps: dict[str, str] = field(default_factory=dict)
    waits: list[KnownWait] = field(default_factory=list)

    def begin(self) -> None:
        self._walk(TRIGGER)

    def reached(self) -> Reached:
        return Reached(dict(self.steps), list(self.waits))

    def pending(self) -> dict[str, bool]:
        return unreached_steps(self.definition, self.reached())

    def end_step(self, step_id: str) -> None:
        self.steps[step_id] = "completed" if self.chance() else "failed"
        if self.steps[step_id] == "completed":
            self._walk(step_id)

    def end_wait(self, place: int) -> None:
        ended = self.waits[place]._replace(status="arrived" if self.chance() else "timed out")
        self.waits[place] = ended
        for step_id in ended.arrived if ended.status == "arrived" else ended.timed_out:
            self.steps.setdefault(step_id, "open")

    def cancel(self) -> None:
        self.steps.update({name: "cancelled" for name, status in self.steps.items() if status == "open"})
        self.waits = [wait._replace(status="cancelled") if wait.status == "open" else wait for wait in self.waits]

    def open(self) -> list[Callable[[], None]]:
        """What may happen next."""
        steps = [name for name, status in self.steps.items() if status == "open"]
        waits = [place for place, wait in enumerate(self.waits) if wait.status == "open"]
        return [*(partial(self.end_step, name) for name in steps), *(partial(self.end_wait, place) for place in waits)]

    def _walk(self, source: str) -> None:
        branches: dict[tuple[tuple[str, ...], Async], tuple[set[str], set[str]]] = {}
        for step, index in self.definition.edges[source]:
            edge = step.after[index]
            if not all(one == TRIGGER or self.steps.get(one) == "completed" for one in edge.sources):
                continue
            if edge.condition is not None and not self.chance():
                continue
            if edge.listen is None:
                self.steps.setdefault(step.id, "open")
            else:
                branches.setdefault((edge.sources, edge.listen), (set(), set()))[edge.on_timeout].add(step.id)
        for (sources, listen), (arrived, timed_out) in branches.items():
            self.waits.append(
                KnownWait(sources, listen.event, listen.match, "open", frozenset(arrived), frozenset(timed_out))
            )


@st.composite
def definitions(draw: st.DrawFn) -> FunctionDefinition:
    names = [f"s{number}" for number in range(draw(st.integers(1, 7)))]
    steps = {}
    for number, name in enumerate(names):
        earlier = st.sampled_from(names[:number]) if number else st.nothing()
        sources = (
            st.just(Edge(TRIGGER))
            if not number
            else st.one_of(
                st.just(Edge(TRIGGER)),
                earlier.map(Edge),
                st.lists(earlier, min_size=2, max_size=3, unique=True).map(lambda joined: Edge(steps=tuple(joined)))
                if number > 1
                else earlier.map(Edge),
            )
        )
        edge = st.builds(
            lambda edge, condition, listen, on_timeout: Edge(
                edge.step, edge.steps, condition, None, listen, on_timeout and listen is not None
            ),
            sources,
            st.sampled_from(CONDITIONS),
            st.sampled_from([None, None, PAID, SENT]),
            st.booleans(),
        )
        steps[name] = draw(st.lists(edge, min_size=1, max_size=3, unique=True))
    return define_steps(steps)
