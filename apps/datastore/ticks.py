"""When a cron expression ticks: pure arithmetic on times, no row and no clock.

cronsim reads the expression and finds its wall times; what a shift of the clocks does to them is decided here, by the
rules of Debian's cron. An expression whose minute and hour both begin with something else than `*` names times of day:
one that the clocks skip ticks as soon as they have, one that comes twice ticks the first time. Any other names an
interval: it ticks in every real minute whose wall time matches, so not in a skipped hour, and in both of a doubled one.
(cronsim follows the same rules, but loses the ticks of the hour after a shift at midnight, as in Cairo, and goes round
in a circle where the clocks shift at a quarter to, as in Chatham.)
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

ON_TIME = timedelta(minutes=1)
"""A tick that is later than this was missed."""

_SECOND = timedelta(seconds=1)
_STRIDE = timedelta(days=1)
"""No zone shifts its clocks there and back within it."""


class Ticks(NamedTuple):
    """What is due of a trigger, and when the next tick is."""

    run: list[datetime]
    """Oldest first."""
    next_at: datetime | None


def next_tick(schedule: str, zone: str, after: datetime) -> datetime | None:
    """The first tick after this time, in UTC; None if there is none in the next fifty years.

    `schedule` is five fields, `zone` an IANA name. Raises ZoneInfoNotFoundError.
    """
    return next(_walk(schedule, ZoneInfo(zone), _whole_second(after) + _SECOND), None)


def due_ticks(schedule: str, zone: str, next_at: datetime, now: datetime, most: int) -> Ticks:
    """The newest ticks from `next_at` to `now`, at most so many, and the first one after `now`.

    The newest tick is always one of them if it is at most ON_TIME late: `most` 0 catches up nothing that was missed.
    The work grows with `most`, not with the time that has passed.
    """
    back = takewhile(lambda tick: tick >= next_at, _walk(schedule, ZoneInfo(zone), _whole_second(now), back=True))
    run = list(islice(back, max(most, 1)))
    if most == 0 and run and now - run[0] > ON_TIME:
        run = []
    return Ticks(run[::-1], next_tick(schedule, zone, now))


def _walk(schedule: str, zone: ZoneInfo, start: datetime, back: bool = False) -> Iterator[datetime]:
    """The ticks from `start` on, which may be one: later and later ones, or with `back` earlier and earlier ones."""
    minute, hour, *_ = schedule.split()
    walk = _walk_intervals if minute.startswith("*") or hour.startswith("*") else _walk_times_of_day
    try:
        yield from walk(schedule, zone, start, back)
    except CronSimError:
        return  # such as the 30th of February: cronsim sees that it has no tick


def _walk_times_of_day(schedule: str, zone: ZoneInfo, start: datetime, back: bool) -> Iterator[datetime]:
    if back:
        # In a doubled hour's second pass, all that the hour had lies behind us.
        local = start.astimezone(zone)
        wall = _wall(start, zone) + (_offset(zone, local.replace(fold=0)) - _offset(zone, local)) + _SECOND
    else:
        wall = _wall(start - _SECOND, zone)
    last = None
    for found in CronSim(schedule, wall, reverse=back):
        tick = _instant(found, zone)
        # Times of a skipped hour are one tick; in a doubled hour the walk begins too early, or too late.
        if tick != last and (tick <= start if back else tick >= start):
            yield tick
            last = tick


def _walk_intervals(schedule: str, zone: ZoneInfo, start: datetime, back: bool) -> Iterator[datetime]:
    at: datetime | None = start
    while at is not None:
        # From one shift to the next, wall time is UTC and a constant.
        offset = _offset(zone, at)
        wall = at.astimezone(timezone(offset)).replace(tzinfo=None)
        begin, at = at, None
        for found in CronSim(schedule, wall + _SECOND if back else wall - _SECOND, reverse=back):
            tick = (found - offset).replace(tzinfo=UTC)
            at = _shift(zone, begin, tick)
            if at is not None:
                break
            yield tick
            begin = tick


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks show this, for the first time; for what they skip, when they have skipped it."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(instant, zone) == wall:
        return instant
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _shift(zone, before, instant) or instant


def _shift(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The first second on the way from `start` to `end` at which the clocks differ from UTC otherwise than at `start`.

    None if there is none. The way may lead back in time.
    """
    offset = _offset(zone, start)
    same, other = start, start
    while _offset(zone, other) == offset:
        if other == end:
            return None
        same = other
        other = min(other + _STRIDE, end) if end > start else max(other - _STRIDE, end)
    while abs(other - same) > _SECOND:
        middle = _whole_second(same + (other - same) / 2)
        if _offset(zone, middle) == offset:
            same = middle
        else:
            other = middle
    return other


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _whole_second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
