"""The table, the ratios, and the JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.measures import FIGURES, Rounds
from bench.options import Sizes


class Aim(NamedTuple):
    """What a figure, or a ratio of two, is to be."""

    title: str
    of: str
    over: Sequence[str]
    """Its divisor: the largest of these; none for a figure as it is."""
    aim: float
    at_least: bool = True


# Measured both ways, the no-op's better figure is what we compare with.
_NOOPS = ("noops_meanwhile", "noops_from_backlog")

AIMS = (
    Aim("one-step runs / no-ops", "one_step", _NOOPS, 1.0),
    Aim("one-step runs, events one by one / no-ops", "one_step_singles", _NOOPS, 1.0),
    Aim("steps of ten-step runs / no-ops", "ten_steps", _NOOPS, 1.0),
    Aim("single POSTs / commits", "single_posts", ("commits",), 0.4),
    Aim("p50, ms", "latency_p50", (), 10.0, at_least=False),
    Aim("p99, ms", "latency_p99", (), 40.0, at_least=False),
)
WORSE_AIM_PERCENT = 10.0


def show(machine: Mapping[str, str], rounds: Rounds, loaded: Rounds | None) -> None:
    """Print everything that was measured."""
    print()
    for name, value in machine.items():
        print(f"{name:>10}  {value}")
    show_figures(rounds, loaded)
    show_aims(rounds)


def show_figures(rounds: Rounds, loaded: Rounds | None) -> None:
    print(f"\n{'median of ' + str(_count(rounds)):<54}{'':>12}   least … most" + ("       loaded   worse" if loaded else ""))
    for figure in FIGURES:
        if not (values := rounds.get(figure.key)):
            continue
        shown = f"{_number(median(values))} {figure.unit:<2}"
        line = f"{figure.title:<54}{shown:>12}   {_number(min(values))} … {_number(max(values))}"
        if loaded and (after := loaded.get(figure.key)):
            percent = worse_by(median(values), median(after), figure.more_is_better)
            line = f"{line:<86}{_number(median(after)):>9}{percent:>+7.1f}%"
        print(line)


def show_aims(rounds: Rounds) -> None:
    print(f"\n{'the result':<54}{'':>9}   aim")
    for aim in AIMS:
        value = value_of(aim, rounds)
        if value is not None:
            reached = value >= aim.aim if aim.at_least else value < aim.aim
            sign = "≥" if aim.at_least else "<"
            print(f"{aim.title:<54}{value:>9.2f}   {sign} {aim.aim:g}{'' if reached else '   NOT REACHED'}")


def show_memory(samples: Mapping[str, Mapping[str, float]]) -> None:
    """A column for each sample, a line for each process."""
    print(f"\n{'memory, MiB':<16}" + "".join(f"{name:>14}" for name in samples))
    for process in next(iter(samples.values())):
        print(f"{process:<16}" + "".join(f"{sample[process]:>14.1f}" for sample in samples.values()))


def value_of(aim: Aim, rounds: Rounds) -> float | None:
    """The ratio, or the figure; None if not all of it was measured."""
    if any(key not in rounds for key in (aim.of, *aim.over)):
        return None
    value = median(rounds[aim.of])
    return value / max(median(rounds[key]) for key in aim.over) if aim.over else value


def worse_by(before: float, after: float, more_is_better: bool) -> float:
    """By how many percent; negative if it is better."""
    return 100 * ((before - after) if more_is_better else (after - before)) / before


def write_json(file: Path, sizes: Sizes, **content: object) -> None:
    """All that was measured, every round of it."""
    rounds = content.get("rounds")
    result = {aim.title: value_of(aim, rounds) for aim in AIMS} if isinstance(rounds, dict) else {}
    text = json.dumps({"sizes": asdict(sizes), "result": result, **content}, indent=2, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def _count(rounds: Rounds) -> int:
    return len(next(iter(rounds.values()), []))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
