"""Map literals. Keys are text, whole numbers, true and false."""

from apps.expressions.comparing import MISSING, find
from apps.expressions.cost import Compiled, Frame
from apps.expressions.errors import ExpressionError
from apps.expressions.values import UInt, Value, kind


def map_of(entries: tuple[tuple[Compiled, Compiled], ...]) -> Compiled:
    def build(frame: Frame) -> dict[Value, Value]:
        built: dict[Value, Value] = {}
        for make_key, make_value in entries:
            key = make_key(frame)
            if type(key) is not str:
                frame.charge(len(built))
            if type(key) not in (str, int, UInt, bool):
                raise ExpressionError(f"a map's key must be text, a whole number, true or false, not {kind(key)}")
            if find(built, key) is not MISSING:
                raise ExpressionError("a map has the same key twice")
            if key in built:
                raise ExpressionError("a map cannot have both a number and a bool that stands for it as keys")
            built[key] = make_value(frame)
        return built

    return build
