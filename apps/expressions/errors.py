"""What can be wrong with an expression, before it runs and while it does."""


class InvalidExpression(ValueError):
    """The text is no expression: it does not parse, or names what is not there.

    `str()` is one line that says what is wrong and where, counted from 1; the parts are attributes.
    """

    def __init__(self, problem: str, line: int, column: int, lines: int = 1) -> None:
        place = f"column {column}" if lines == 1 else f"line {line}, column {column}"
        super().__init__(f"{place}: {problem}")
        self.problem = problem
        self.line = line
        self.column = column


class SourceFault(Exception):
    """A fault at an offset into the text; becomes an InvalidExpression once the line is known."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset

    def located_in(self, text: str) -> InvalidExpression:
        before = text[: self.offset]
        line_start = before.rfind("\n") + 1
        return InvalidExpression(
            self.problem,
            line=before.count("\n") + 1,
            column=len(before) - line_start + 1,
            lines=text.rstrip().count("\n") + 1,
        )


class ExpressionError(Exception):
    """The expression has no value here: no such overload, division by zero, overflow, a text that is no time.

    `str()` is one line.
    """


class CostExceeded(ExpressionError):
    """The evaluation did more work than its budget allows. Never absorbed by `&&` and `||`."""

    def __init__(self) -> None:
        super().__init__("the expression costs more than its budget allows")


class AllowanceSpent(ExpressionError):
    """The evaluations before this one have used up what they may cost together; this one has not begun."""

    def __init__(self) -> None:
        super().__init__("the expressions before it have used up what they may cost together")
