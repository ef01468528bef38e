"""`throttle`: how many runs may start in a period."""

from apps.datastore.definition import later
from apps.datastore.definition.expressions import Expressions
from apps.datastore.definition.faults import FaultLog
from apps.datastore.definition.scopes import KEY_NAMES
from apps.datastore.definition.types import Throttle
from apps.datastore.definition.values import check_duration, check_object, check_whole_number, optional, required

MAX_COUNT = 1_000_000_000


def parse_throttle(value: object, path: str, log: FaultLog, expressions: Expressions) -> Throttle | None:
    # `count` is the dropping kind of 2022, `limit` the SDK's, which delays; both at once means neither.
    if isinstance(value, dict) and "limit" in value and "count" not in value:
        later.refuse_delaying_throttle(value, path, log)
        return None
    found = check_object(value, path, log, ("count", "period", "key"))
    if found is None:
        return None
    count = required(found, "count", path, log, _check_count)
    period = required(found, "period", path, log, check_duration)
    key = optional(found, "key", path, log, expressions.key_over(KEY_NAMES))
    return None if count is None or period is None else Throttle(count, period, key)


def _check_count(value: object, path: str, log: FaultLog) -> int | None:
    return check_whole_number(value, path, log, 1, MAX_COUNT)
