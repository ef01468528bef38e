"""The table, the ratios, and the JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.found import Found
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
    Aim("SDK runs of one call / no-ops", "sdk_call", _NOOPS, 1.0),
    Aim("SDK runs of one step / no-ops", "sdk_one_step", _NOOPS, 1.0),
    Aim("SDK steps of ten-step runs / no-ops", "sdk_ten_steps", _NOOPS, 1.0),
    Aim("POST to an SDK function's first call, p50, ms", "sdk_latency_p50", (), 10.0, at_least=False),
    Aim("POST to an SDK function's first call, p99, ms", "sdk_latency_p99", (), 40.0, at_least=False),
    Aim("between two steps of an SDK function, p50, ms", "sdk_between_p50", (), 8.0, at_least=False),
    Aim("a call in the http driver / http.client", "http_warm", ("http_bare",), 1.0, at_least=False),
    Aim("a call in the docker driver / Docker's SDK", "docker_warm", ("docker_bare",), 1.25, at_least=False),
    Aim("one of 1,000,000 waits, p50, ms", "many_waits_p50", (), 10.0, at_least=False),
    Aim("one of 1,000,000 waits / one of 1,000, p50", "many_waits_p50", ("few_waits_p50",), 1.2, at_least=False),
)


def show(found: Found) -> None:
    """Print everything that was measured."""
    print()
    for name, value in found.machine.items():
        print(f"{name:>10}  {value}")
    if found.rounds:
        _show_figures(found.rounds, found.loaded)
    if any(value_of(aim, found.rounds) is not None for aim in AIMS):
        _show_aims(found.rounds)
    if found.cost:
        print("\na one-step run costs")
        for name, amount in found.cost.items():
            print(f"{name:<54}{amount:>9.2f}")
    _show_memory(found.memory)


def _show_figures(rounds: Rounds, loaded: Rounds) -> None:
    head = f"{f'median of {len(next(iter(rounds.values())))}':<66}   least … most"
    print(f"\n{head:<86}{'   loaded   worse' if loaded else ''}".rstrip())
    for figure in FIGURES:
        if not (values := rounds.get(figure.key)):
            continue
        shown = f"{_number(median(values))} {figure.unit:<2}"
        line = f"{figure.title:<54}{shown:>12}   {_number(min(values))} … {_number(max(values))}"
        if after := loaded.get(figure.key):
            percent = worse_by(median(values), median(after), figure.more_is_better)
            line = f"{line:<86}{_number(median(after)):>9}{percent:>+7.1f}%"
        print(line)


def _show_aims(rounds: Rounds) -> None:
    print(f"\n{'the result':<54}{'':>9}   aim")
    for aim in AIMS:
        value = value_of(aim, rounds)
        if value is not None:
            reached = value >= aim.aim if aim.at_least else value < aim.aim
            sign = "≥" if aim.at_least else "<"
            print(f"{aim.title:<54}{value:>9.2f}   {sign} {aim.aim:g}{'' if reached else '   NOT REACHED'}")


def _show_memory(samples: Mapping[str, Mapping[str, float]]) -> None:
    """A column for each sample, a line for each process; with several, how much the last is above the first."""
    named = list(samples)
    print(f"\n{'memory, MiB':<30}" + "".join(f"{name:>14}" for name in named))
    first, last = samples[named[0]], samples[named[-1]]
    for process in first:
        line = f"{process:<30}" + "".join(f"{sample[process]:>14.1f}" for sample in samples.values())
        print(line + (f"{last[process] - first[process]:>+10.1f}" if len(named) > 1 else ""))


def value_of(aim: Aim, rounds: Rounds) -> float | None:
    """The ratio, or the figure; None if not all of it was measured."""
    if any(key not in rounds for key in (aim.of, *aim.over)):
        return None
    value = median(rounds[aim.of])
    return value / max(median(rounds[key]) for key in aim.over) if aim.over else value


def worse_by(before: float, after: float, more_is_better: bool) -> float:
    """By how many percent; negative if it is better."""
    return 100 * ((before - after) if more_is_better else (after - before)) / before


def write_json(file: Path, sizes: Sizes, found: Found) -> None:
    """All that was measured, every round of it."""
    result = {aim.title: value_of(aim, found.rounds) for aim in AIMS}
    content = {"sizes": asdict(sizes), "result": result, **asdict(found)}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
