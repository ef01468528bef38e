"""`!`, `&&`, `||` and `?:`. Null counts as false.

An error on one side of `&&` or `||` is no matter if the other side decides, whichever comes first.
"""

from apps.expressions.cost import ABSORBED, Compiled, Frame
from apps.expressions.errors import CostExceeded, ExpressionError
from apps.expressions.values import Value, kind


def truth(value: Value) -> bool:
    """Raises ExpressionError for what is neither true, false nor null."""
    if value is True:
        return True
    if value is False or value is None:
        return False
    raise ExpressionError(f"a condition must be true or false, not {kind(value)}")


def negation(operand: Compiled) -> Compiled:
    return lambda frame: not truth(operand(frame))


def choice(condition: Compiled, then: Compiled, otherwise: Compiled) -> Compiled:
    return lambda frame: then(frame) if truth(condition(frame)) else otherwise(frame)


def chain(operands: tuple[Compiled, ...], deciding: bool) -> Compiled:
    """`&&`, which false decides, or `||`, which true does."""

    def decide(frame: Frame) -> bool:
        fault: ExpressionError | None = None
        for operand in operands:
            try:
                value: object = operand(frame)
                if value is deciding:
                    return deciding
                # True and false are seen to first: they are what operands nearly always are.
                if value is not True and value is not False and truth(value) is deciding:
                    return deciding
            except CostExceeded:
                raise
            except ExpressionError as error:
                frame.charge(ABSORBED)
                fault = error
        if fault is not None:
            raise fault
        return not deciding

    return decide
