"""Everything that one start of the bench found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.measures import Rounds


@dataclass
class Found:
    """As it is shown, and as it goes into the JSON."""

    machine: Mapping[str, str]
    rounds: Rounds = field(default_factory=dict)
    loaded: Rounds = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    memory: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """MiB by process, by when."""
