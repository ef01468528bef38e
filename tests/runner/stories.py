"""Random functions that branch, wait, join, fail and are cancelled, and what their expressions mean.

What an expression means is written here from docs/function-format.md, beside its text; no product code is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from apps.datastore.definition.types import TRIGGER, Async, CancelOn, Edge

START = "go"
NAMES = ("answer", "other", START)
"""Events that are waited for; the one that starts runs, too."""


class Fault(Exception):
    """The expression cannot be evaluated, or gives what is not asked for there."""


class Seen(NamedTuple):
    """What an expression sees."""

    event: Any
    steps: Mapping[str, Any] = {}
    response: Any = None
    arriving: Any = None


def at(value: Any, *path: str) -> Any:
    """What isn't there is null."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _truth(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Fault(value)


def _faulty(*_: Any) -> Any:
    raise Fault


CONDITIONS: dict[str | None, Callable[[Seen], bool]] = {
    None: lambda seen: True,
    "true": lambda seen: True,
    "1 == 2": lambda seen: False,
    "event.data.missing": lambda seen: False,
    "1 + 1": _faulty,
    "event.data.id + true == 1": _faulty,
    "event.data.yes": lambda seen: _truth(at(seen.event, "data", "yes")),
    "response.ok": lambda seen: _truth(at(seen.response, "ok")),
    "response.s0.ok == true && response.s1.ok == true": lambda seen: (
        at(seen.response, "s0", "ok") is True and at(seen.response, "s1", "ok") is True
    ),
    "steps.s0.ok == true": lambda seen: at(seen.steps, "s0", "ok") is True,
}


def _moment(value: Any, now: datetime) -> datetime:
    if isinstance(value, bool) or value is None:
        raise Fault
    if isinstance(value, str):
        return (
            datetime.fromisoformat(value) if "-" in value else now + timedelta(seconds=float(value.removesuffix("s")))
        )
    return now + timedelta(seconds=value)


WAITS: dict[float | str | None, Callable[[Seen, datetime], datetime]] = {
    None: lambda seen, now: now,
    0.0: lambda seen, now: now,
    10.0: lambda seen, now: now + timedelta(seconds=10),
    20.0: lambda seen, now: now + timedelta(seconds=20),
    "'20s'": lambda seen, now: now + timedelta(seconds=20),
    "response.delay": lambda seen, now: _moment(at(seen.response, "delay"), now),
    "event.data.at": lambda seen, now: _moment(at(seen.event, "data", "at"), now),
    "date('2001-02-03')": lambda seen, now: now,
}


def _id(seen: Seen) -> Any:
    return at(seen.arriving, "data", "id")


MATCHES: dict[str | None, Callable[[Seen], bool]] = {
    None: lambda seen: True,
    "async.data.id == event.data.id": lambda seen: bool(_id(seen) == at(seen.event, "data", "id")),
    "async.data.id == response.id": lambda seen: bool(_id(seen) == at(seen.response, "id")),
    "event.data.id == async.data.id && async.data.yes": lambda seen: (
        _id(seen) == at(seen.event, "data", "id") and at(seen.arriving, "data", "yes") is True
    ),
    "async.data.id > 1": lambda seen: isinstance(_id(seen), int | float) and _id(seen) > 1,
    "async.data.id == event.data.id || async.data.yes == true": lambda seen: (
        _id(seen) == at(seen.event, "data", "id") or at(seen.arriving, "data", "yes") is True
    ),
}
CANCEL_IFS = {text: MATCHES[text] for text in MATCHES if text is None or "response" not in text}
TTLS = (20.0, 30.0)


@dataclass(frozen=True)
class Story:
    """A function, and what its steps do at each attempt: `ok`, `retry`, `later` (again after 10 s), or `stop`."""

    graph: Mapping[str, Sequence[Edge]]
    attempts: int = 1
    acts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cancel: Sequence[CancelOn] = ()
    data: Sequence[Mapping[str, Any]] = ({"id": 1},)
    """Of the events that start its runs."""

    def act(self, step: str, attempt: int) -> str:
        acts = self.acts.get(step, ())
        return acts[attempt - 1] if attempt <= len(acts) else "ok"

    def output(self, step: str) -> Mapping[str, Any]:
        return self.outputs.get(step, {"ok": True, "id": 1})


def _maybe(chance: int, values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """None in most cases."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(values) if n < chance else st.none())


@st.composite
def _edge(draw: st.DrawFn, earlier: Sequence[str], listened: Sequence[Async], others: Sequence[Edge]) -> Edge:
    if others and draw(st.integers(0, 2)) < 2:
        other = draw(st.sampled_from(others))  # the two share a wait
        on_timeout = draw(st.sampled_from([not other.on_timeout] * 3 + [other.on_timeout]))
        return Edge(
            other.step,
            other.steps,
            draw(_maybe(1, list(CONDITIONS))),
            draw(_maybe(2, list(WAITS))),
            other.listen,
            on_timeout,
        )
    joined: list[str] = []
    if len(earlier) > 1 and draw(st.integers(0, 3)) == 0:
        joined = draw(st.lists(st.sampled_from(earlier), unique=True, min_size=2, max_size=3))
    source = "" if joined else draw(st.sampled_from([TRIGGER, *earlier, *earlier[-2:]]))
    listen = draw(_maybe(5, listened)) if listened else None
    return Edge(
        source,
        tuple(sorted(joined)),
        draw(_maybe(3, list(CONDITIONS))),
        draw(_maybe(3, list(WAITS))),
        listen,
        listen is not None and draw(st.booleans()),
    )


_IDS = st.sampled_from([1, 1, 1, 1.0, 1, 2, "1", None])
_YES = st.sampled_from([True, True, False, None, "odd"])
_LISTENED = st.builds(
    Async, st.sampled_from([NAMES[0], *NAMES]), st.sampled_from(TTLS), st.sampled_from([None, *MATCHES])
)
_CANCEL = st.builds(
    CancelOn,
    st.sampled_from(["stop", "stop", "stop", *NAMES]),
    st.sampled_from(list(CANCEL_IFS)),
    _maybe(5, [10.0, 25.0]),
)
_ACTS = st.lists(st.sampled_from(["ok", "ok", "retry", "later", "stop"]), max_size=3)
_OUTPUT = st.fixed_dictionaries(
    {"ok": _YES, "id": _IDS}, optional={"delay": st.sampled_from([5, 0, -3, 12.5, "15s", True, None])}
)
_DATA = st.fixed_dictionaries({"id": _IDS}, optional={"yes": _YES, "in": st.sampled_from([-5, 0, 10, 15])})
"""Of events; `in` becomes `at`, a time so many seconds from when it is sent."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    names = [f"s{number}" for number in range(draw(st.integers(1, 6)))]
    listened = draw(st.lists(_LISTENED, max_size=2))
    graph: dict[str, Sequence[Edge]] = {}
    for number, name in enumerate(names):
        others = [edge for after in graph.values() for edge in after if edge.listen]
        edge = _edge(names[:number], listened, others)
        graph[name] = draw(st.lists(edge, min_size=1, max_size=3, unique=True))
    return Story(
        graph,
        draw(st.integers(1, 3)),
        draw(st.dictionaries(st.sampled_from(names), _ACTS, max_size=3)),
        draw(st.dictionaries(st.sampled_from(names), _OUTPUT, max_size=5)),
        draw(_maybe(4, [1, 2]).flatmap(lambda most: st.lists(_CANCEL, max_size=most or 0, unique=True))),
        draw(st.lists(_DATA, min_size=1, max_size=2)),
    )


@dataclass(frozen=True)
class Sizes:
    """How many rows one transaction of each kind takes at most."""

    consumed: int = 200
    resumed: int = 500
    probes: int = 200
    events: int = 500
    expired: int = 200


SIZES = st.one_of(st.just(Sizes()), st.builds(Sizes, *[st.integers(1, 3)] * 5))


class Do(NamedTuple):
    """One thing that happens; `which` chooses among what is there then."""

    verb: str
    which: int = 0
    name: str = ""
    data: Mapping[str, Any] = {}


_PLAIN = ("consume", "consume", "ahead", "probe", "probe", "expire", "promote", "claim", "claim", "record", "record")
_RARE = ("lose", "lose", "reclaim", "again", "cancel", "wide")
_MOVES = ("to", "to", "before", "after", "after", "pass")


@st.composite
def schedules(draw: st.DrawFn) -> list[Do]:
    which = st.integers(0, 7)
    plain = st.tuples(st.sampled_from([*_PLAIN, *_PLAIN, *_MOVES, *_RARE]), which).map(lambda drawn: Do(*drawn))
    names = st.sampled_from([*NAMES[:1] * 4, NAMES[1], "stop", START])
    send = st.tuples(st.just("send"), which, names, _DATA).map(lambda drawn: Do(*drawn))
    length = draw(st.integers(0, 40))
    return draw(st.lists(st.one_of(plain, plain, plain, send), min_size=length, max_size=length))
