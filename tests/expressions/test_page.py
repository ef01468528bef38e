"""The page for users says what the code does."""

import re
from collections import Counter
from pathlib import Path

from apps.expressions import DEFAULT_BUDGET, MAX_DEPTH, MAX_LENGTH
from apps.expressions.functions import FUNCTIONS
from apps.expressions.macros import MACROS
from tests.expressions.conformance_cases import read_cases, read_deviations

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text()


def conformance_table() -> str:
    files = Counter(case.id.split("/")[0] for case in read_cases())
    by_reason: dict[str, Counter[str]] = {}
    for case, reason in read_deviations().items():
        by_reason.setdefault(reason, Counter())[case.split("/")[0]] += 1
    total, deviating = files.total(), len(read_deviations())
    rows = [
        f"| {reason} | {places.total()} | {', '.join(f'`{file}` {count}' for file, count in sorted(places.items()))} |"
        for reason, places in sorted(by_reason.items(), key=lambda entry: -entry[1].total())
    ]
    head = [f"{total - deviating} of {total} pass.", "", "| reason | cases | where |", "|---|---|---|"]
    return "\n".join(head + rows)


def test_the_table_of_deviations_is_the_one_that_the_tests_go_by() -> None:
    match = re.search(r"<!-- conformance: .*? -->\n(.*?)\n<!-- /conformance -->", PAGE, re.DOTALL)
    assert match is not None
    assert match[1] == conformance_table()


def test_every_function_is_on_the_page() -> None:
    functions = PAGE.split("## Functions")[1].split("\n## ")[0]
    assert [name for name in FUNCTIONS if name not in functions] == []
    assert [name for name in MACROS if f"{name}(" not in PAGE] == []


def test_the_limits_are_on_the_page() -> None:
    for limit in (MAX_LENGTH, MAX_DEPTH, DEFAULT_BUDGET):
        assert f" {limit:,} " in PAGE.replace("\n", " ")
