"""What the expression of a `wait` means."""

import re
from datetime import datetime, timedelta

from apps.expressions.comparing import NUMBERS
from apps.expressions.errors import ExpressionError
from apps.expressions.times import read_date, read_duration, seconds_long, shift
from apps.expressions.values import Value, kind

_DATED = re.compile("[0-9]{4}-")


def moment(value: Value, now: datetime) -> datetime:
    """The time that a wait is over: a timestamp, or a duration or a number of seconds from now; also as text.

    Raises ExpressionError for anything else, and for times beyond the year 9999.
    """
    if type(value) is str:
        value = read_date(value) if _DATED.match(value) else read_duration(value)
    if type(value) is datetime:
        return value
    if type(value) is timedelta:
        return shift(now, value)
    if type(value) in NUMBERS:
        return shift(now, seconds_long(value))
    raise ExpressionError(f"a wait must be a duration, a time or a number of seconds, not {kind(value)}")
