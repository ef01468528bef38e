"""When crons tick: every minute of a day is held against the rules, in zones of every kind."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from cronsim import CronSim

from apps.datastore.ticks import due_ticks, next_tick

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticks(schedule: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """All from `start` to before `end`, as a trigger that is looked at after each of them has them."""
    found = []
    tick = next_tick(schedule, zone, start - timedelta(seconds=1))
    while tick is not None and tick < end:
        found.append(tick)
        tick = next_tick(schedule, zone, tick)
    return found


def walls(schedule: str, zone: str, start: str, end: str) -> list[str]:
    """The same, as the clocks of the zone show it; `start` and `end` are theirs, too."""
    there = ZoneInfo(zone)
    first, last = (datetime.fromisoformat(text).replace(tzinfo=there).astimezone(UTC) for text in (start, end))
    return [tick.astimezone(there).strftime("%d %H:%M %z") for tick in ticks(schedule, zone, first, last)]


def by_the_rules(schedule: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The same, minute by minute: what the clocks show in it, and what they have just skipped."""
    there, fields = ZoneInfo(zone), CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC))
    is_interval = any(field.startswith("*") for field in schedule.split()[:2])

    def matches(wall: datetime) -> bool:
        return (
            wall.month in fields.months
            and fields.match_day(wall.date())
            and wall.hour in fields.hours
            and wall.minute in fields.minutes
        )

    at = start
    while at < end:
        local = at.astimezone(there)
        wall = local.replace(tzinfo=None)
        before = (at - MINUTE).astimezone(there).replace(tzinfo=None)
        skipped = [before + MINUTE * n for n in range(1, (wall - before) // MINUTE)]
        if matches(wall) if is_interval else (matches(wall) and not local.fold) or any(map(matches, skipped)):
            yield at
        at += MINUTE


SHIFTS = [
    ("Europe/Paris", "2026-03-29"),
    ("Europe/Paris", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Santiago", "2026-09-06"),  # southern, and at midnight
    ("America/Santiago", "2026-04-05"),
    ("Africa/Cairo", "2026-04-24"),  # midnight is skipped
    ("Africa/Cairo", "2026-10-30"),
    ("Australia/Lord_Howe", "2026-10-04"),  # by half an hour
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Pacific/Chatham", "2026-09-27"),  # at a quarter to three
    ("Pacific/Chatham", "2026-04-05"),
    ("Atlantic/Azores", "2026-03-29"),
    ("Africa/Casablanca", "2026-02-15"),  # Ramadan
    ("Pacific/Apia", "2011-12-30"),  # a whole day is skipped
    ("Europe/Istanbul", "2016-09-07"),  # summer time for good: the shift of that October fell out
    ("Asia/Pyongyang", "2018-05-04"),  # another zone from then on
    ("Asia/Kathmandu", "2026-03-29"),
    ("UTC", "2026-03-29"),
]
SCHEDULES = [
    "30 2 * * *",
    "0 0 * * *",
    "15,45 0-3 * * *",
    "0-59 2 * * *",
    "59 23 * * *",
    "*/20 * * * *",
    "0 * * * *",
    "30 * {day} * *",
    "15 */2 * * *",
    "0 */3 {day} * *",
    "*/10 0 * * {weekday}",
    "*/10 1 {day} * *",
    "*/10 2 {day} * *",
    "*/10 3 * * *",
    "*/10 0-3 * * *",
]


@pytest.mark.parametrize(("zone", "day"), SHIFTS)
def test_around_a_shift_of_the_clocks_a_cron_ticks_by_the_rules(zone: str, day: str) -> None:
    middle = utc(day)
    start, end = middle - 1.5 * DAY, middle + 1.5 * DAY
    for template in SCHEDULES:
        schedule = template.format(day=middle.day, weekday=middle.isoweekday() % 7)
        expected = list(by_the_rules(schedule, zone, start, end))
        assert ticks(schedule, zone, start, end) == expected, schedule
        for minutes in range(0, 3 * 24 * 60, 97):
            now = start + minutes * MINUTE + timedelta(seconds=5)
            due = [tick for tick in expected if tick <= now]
            assert due_ticks(schedule, zone, start, now, 3).run == due[-3:], (schedule, now)


def test_a_time_that_the_clocks_skip_ticks_when_they_have_skipped_it() -> None:
    assert walls("30 2 * * *", "Europe/Paris", "2026-03-28", "2026-03-31") == [
        "28 02:30 +0100",
        "29 03:00 +0200",
        "30 02:30 +0200",
    ]


def test_times_that_are_skipped_together_are_one_tick() -> None:
    assert walls("0-59/5 2-3 * * *", "Europe/Paris", "2026-03-29", "2026-03-29T03:11") == [
        "29 03:00 +0200",
        "29 03:05 +0200",
        "29 03:10 +0200",
    ]


def test_a_time_that_comes_twice_ticks_the_first_time() -> None:
    assert walls("30 2 * * *", "Europe/Paris", "2026-10-25", "2026-10-27") == ["25 02:30 +0200", "26 02:30 +0100"]
    assert walls("30 1 * * *", "America/New_York", "2026-11-01", "2026-11-02") == ["01 01:30 -0400"]


def test_a_time_that_comes_twice_does_not_tick_again_for_who_looks_in_between() -> None:
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert next_tick("30 2 * * *", "Europe/Paris", second_pass) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_an_interval_ticks_in_both_passes_of_a_doubled_hour_and_in_none_of_a_skipped_one() -> None:
    assert walls("*/30 2 * * *", "Europe/Paris", "2026-10-25", "2026-10-26") == [
        "25 02:00 +0200",
        "25 02:30 +0200",
        "25 02:00 +0100",
        "25 02:30 +0100",
    ]
    assert walls("*/30 2 * * *", "Europe/Paris", "2026-03-29", "2026-03-30") == []


def test_the_hour_after_a_skipped_midnight_is_not_lost() -> None:
    """As it is with cronsim alone."""
    assert walls("*/30 1 24 4 *", "Africa/Cairo", "2026-04-23", "2026-04-25") == ["24 01:00 +0300", "24 01:30 +0300"]


def test_a_zone_that_is_off_by_three_quarters_of_an_hour_ticks_at_its_own_midnight() -> None:
    assert next_tick("0 0 * * *", "Asia/Kathmandu", utc("2026-01-01")) == utc("2026-01-01T18:15")


def test_a_zone_that_gave_up_shifting_its_clocks_ticks_by_its_new_rules() -> None:
    at_nine = "0 9 1 12 *"
    assert [tick.hour for tick in ticks(at_nine, "Europe/Istanbul", utc("2014-01-01"), utc("2019-01-01"))] == [
        7, 7, 6, 6, 6,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("0 0 29 2 *", "2026-01-01", ["2028-02-29", "2032-02-29"]),
        ("0 0 29 2 *", "2096-03-01", ["2104-02-29"]),  # 2100 is no leap year
        ("0 0 31 * *", "2026-01-31", ["2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"]),
        ("0 0 30 * *", "2026-01-30", ["2026-03-30", "2026-04-30"]),
        ("0 0 L * *", "2026-01-31", ["2026-02-28", "2026-03-31"]),
        ("0 0 LW * *", "2026-01-31", ["2026-02-27", "2026-03-31"]),
        ("0 0 * * 1#2", "2026-01-31", ["2026-02-09", "2026-03-09"]),
        ("0 0 * * 5L", "2026-01-31", ["2026-02-27", "2026-03-27"]),
        ("0 0 13 * 5", "2026-02-01", ["2026-02-06", "2026-02-13", "2026-02-20"]),  # either kind of day will do
        ("0 0 1 1 *", "2026-12-31", ["2027-01-01", "2028-01-01"]),
        ("0 0 * * 7", "2026-02-01", ["2026-02-08"]),
        ("0 0 * FEB MON", "2026-01-31", ["2026-02-02"]),
    ],
)
def test_days_are_those_of_the_calendar(schedule: str, after: str, expected: list[str]) -> None:
    found: list[datetime] = []
    while len(found) < len(expected):
        tick = next_tick(schedule, "UTC", found[-1] if found else utc(after))
        assert tick is not None
        found.append(tick)
    assert found == [utc(day) for day in expected]


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 2,4,6 *"])
def test_a_day_that_never_comes_never_ticks(schedule: str) -> None:
    assert next_tick(schedule, "Europe/Paris", utc("2026-01-01")) is None
    assert due_ticks(schedule, "Europe/Paris", utc("2026-01-01"), utc("2027-01-01"), 5) == ([], None)


def test_a_zone_that_is_not_known_is_said_so() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        next_tick("* * * * *", "Europe/Atlantis", utc("2026-01-01"))


NOON = utc("2026-06-01T12:00")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (NOON - timedelta(microseconds=1), NOON),
        (NOON, NOON + MINUTE),
        (NOON + timedelta(microseconds=1), NOON + MINUTE),
        (NOON + timedelta(seconds=59.999), NOON + MINUTE),
    ],
)
def test_the_next_tick_is_later_than_now(after: datetime, expected: datetime) -> None:
    assert next_tick("* * * * *", "UTC", after) == expected


@pytest.mark.parametrize("most", [1, 2, 60, 100])
def test_of_what_was_missed_the_newest_ticks_are_run_oldest_first(most: int) -> None:
    due = due_ticks("* * * * *", "UTC", NOON - 59 * MINUTE, NOON + timedelta(seconds=7), most)
    assert due.run == [NOON - n * MINUTE for n in reversed(range(min(most, 60)))]
    assert due.next_at == NOON + MINUTE


@pytest.mark.parametrize("most", [0, 1, 5])
def test_a_tick_on_time_is_run_whatever_is_caught_up(most: int) -> None:
    assert due_ticks("0 12 * * *", "UTC", NOON, NOON, most) == ([NOON], NOON + DAY)
    assert due_ticks("0 12 * * *", "UTC", NOON, NOON + MINUTE, most) == ([NOON], NOON + DAY)


def test_nothing_that_is_late_is_caught_up_if_nothing_is_to_be() -> None:
    assert due_ticks("0 12 * * *", "UTC", NOON, NOON + MINUTE + timedelta(seconds=1), 0) == ([], NOON + DAY)
    assert due_ticks("* * * * *", "UTC", NOON - HOUR, NOON + timedelta(seconds=9), 0) == ([NOON], NOON + MINUTE)


def test_nothing_before_where_the_trigger_stands_is_run_again() -> None:
    assert due_ticks("* * * * *", "UTC", NOON, NOON + timedelta(seconds=7), 10).run == [NOON]


def test_a_time_that_is_no_tick_by_todays_rules_runs_nothing() -> None:
    """The trigger was advanced to it before the zone changed its rules."""
    assert due_ticks("0 12 * * *", "UTC", NOON - HOUR, NOON - HOUR, 5) == ([], NOON)


@pytest.mark.parametrize("schedule", ["* * * * *", "0-59 0-23 * * *", "*/5 9 * * 1-5", "* * * 1-6 *", "0 0 29 2 *"])
def test_a_decade_of_ticks_costs_no_more_than_the_newest(schedule: str) -> None:
    began = time.process_time()
    for zone in ("Europe/Paris", "America/Santiago"):
        due = due_ticks(schedule, zone, utc("2015-01-01"), utc("2026-12-31"), 10)
        assert len(due.run) == (3 if schedule == "0 0 29 2 *" else 10)
    assert time.process_time() - began < 1.0
