"""The expressions of a document, compiled as they are read, so that a slip in one is found at deploy."""

from collections.abc import Callable

from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.values import check_text
from apps.expressions import compile_expression, compile_key

MAX_EXPRESSIONS = 1_000
"""Different ones in a function. Steps and edges allow a hundred times as many, which would take minutes."""

MAX_PROBLEM = 400
"""Characters; expressions are quoted in problems, and may be long."""

Compile = Callable[[str, frozenset[str]], object]
"""Raises ValueError, whose text is the problem in one line."""
Check = Callable[[object, str, FaultLog], str | None]


class Expressions:
    """One document's: each text is compiled once, however often it is there, and not too many are."""

    def __init__(self) -> None:
        self._problems: dict[tuple[Compile, str, frozenset[str]], str | None] = {}
        self._too_many = False

    def over(self, names: frozenset[str]) -> Check:
        """The check of a field that is an expression over these names."""
        return lambda value, path, log: self._check(value, path, log, compile_expression, names)

    def key_over(self, names: frozenset[str]) -> Check:
        """The check of a field that is a key: an expression, or text with expressions in {{ }}."""
        return lambda value, path, log: self._check(value, path, log, compile_key, names)

    def _check(self, value: object, path: str, log: FaultLog, compiled: Compile, names: frozenset[str]) -> str | None:
        text = check_text(value, path, log)
        if text is None:
            return None
        problem = self.problem(text, path, log, compiled, names)
        if problem is None:
            return text
        log.add(path, f"is not an expression: {problem}")
        return None

    def problem(self, text: str, path: str, log: FaultLog, compiled: Compile, names: frozenset[str]) -> str | None:
        """What is wrong with the expression. Not logged, but for its being one too many for the document."""
        known = (compiled, text, names)
        if known not in self._problems:
            if len(self._problems) == MAX_EXPRESSIONS:
                # Once: the first fault says it for all that follow.
                if not self._too_many:
                    log.add(path, f"is one expression too many; a function may have {MAX_EXPRESSIONS} different ones")
                self._too_many = True
                return None
            try:
                compiled(text, names)
            except ValueError as fault:
                self._problems[known] = str(fault)[:MAX_PROBLEM]
            else:
                self._problems[known] = None
        return self._problems[known]
