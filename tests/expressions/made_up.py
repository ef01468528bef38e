"""Expressions and values made up at random, most of them odd."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from apps.expressions import UInt, Value
from apps.expressions.functions import FUNCTIONS

# A busy machine is no fault of an expression.
AT_LEISURE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

_scalars: st.SearchStrategy[Value] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-2, 2)
    | st.integers()
    | st.integers(0, 2**64 - 1).map(UInt)
    | st.floats()
    | st.sampled_from([0.0, -0.0, 1.0, 2.0**53, 2.0**63, -(2.0**63), 1e300, math.inf, math.nan])
    | st.text()
    | st.sampled_from(["", "a", "2026-01-31", "1h", "UTC", "(", "\ud800", "1", "\0"])
    | st.binary(max_size=3)
    | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001
    | st.timedeltas(timedelta(-3_652_500), timedelta(3_652_500))
)
values: st.SearchStrategy[Value] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=2), inner, max_size=4)
        | st.dictionaries(st.integers(2, 4) | st.integers(2, 4).map(UInt) | st.booleans(), inner, max_size=3)
    ),
    max_leaves=8,
)
events = st.dictionaries(st.sampled_from("abc"), values, max_size=3)

_NAMES = ["event", "async", "event.a", "event.b.c", "async.a", "event['b']", "x", "int"]
_NUMBERS = ["0", "1", "-1", "2u", "1.5", "9223372036854775807"]
_LITERALS = ["'a'", "''", "b'a'", "'2026-01-31'", "'UTC'", "null", "true", "false", "[]", "{}", "[1,'a']", "{'a':1}"]
_TIMES = ["now()", "duration('1h')", "date('2026-01-31')"]
_SIGNS = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"]
_atoms = st.sampled_from(_NAMES + _NUMBERS + _LITERALS + _TIMES + ["{1:2}", "{true:1}"])


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def fill(form: str, *parts: str) -> str:
        return form.format(*parts)

    unary = ["!{}", "-{}", "({})", "[{}]", "{}.a", "has({}.a)", "{{'a': {}}}", "{{{}: 1}}"]
    unary += [f"{name}({{}})" for name in FUNCTIONS] + [f"{{}}.{name}()" for name in FUNCTIONS]
    binary = [f"{{}} {sign} {{}}" for sign in _SIGNS]
    binary += ["{}[{}]", "[{}, {}]", "[{}].map(x, {})", "{}.filter(x, {})", "{}.all(x, {})", "{}.exists(x, {})"]
    binary += ["{}.exists_one(x, {})"] + [f"{{}}.{name}({{}})" for name in FUNCTIONS] + ["matches({}, {})"]
    return (
        st.builds(fill, st.sampled_from(unary), inner)
        | st.builds(fill, st.sampled_from(binary), inner, inner)
        | st.builds(fill, st.sampled_from(["{} ? {} : {}", "{}.map(x, {}, {})", "{} && {} || {}"]), inner, inner, inner)
    )


texts = st.recursive(_atoms, _around, max_leaves=10)
"""Most parse; many fail when they are evaluated."""

noise = st.text(alphabet="event.abx()[]{}'\"\\`=!<>&|+-*/%?:,.0123456789u \n/r", max_size=60) | st.text()
