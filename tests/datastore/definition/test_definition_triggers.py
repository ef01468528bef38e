import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datastore.definition import CronTrigger, EventTrigger, InvalidDefinition, parse
from tests.datastore.definition.documents_of_tests import FILES, document, faults_of


def test_a_trigger_may_have_a_condition() -> None:
    definition = parse(document(triggers=[{"event": "a", "expression": "event.data.plan == 'pro'"}]), FILES)
    assert definition.triggers == (EventTrigger("a", "event.data.plan == 'pro'"),)


def test_one_event_may_trigger_under_several_conditions_which_keep_their_order() -> None:
    triggers = [
        {"event": "b", "expression": "event.data.n > 1"},
        {"event": "a"},
        {"event": "b", "expression": "event.data.vip"},
    ]
    assert parse(document(triggers=triggers), FILES).triggers == (
        EventTrigger("b", "event.data.n > 1"),
        EventTrigger("a"),
        EventTrigger("b", "event.data.vip"),
    )


@pytest.mark.parametrize(
    ("cron", "schedule", "timezone"),
    [
        ("*/5 * * * *", "*/5 * * * *", "UTC"),
        ("TZ=Europe/Paris 0 9 * * 1", "0 9 * * 1", "Europe/Paris"),
        (
            "TZ=America/Argentina/Buenos_Aires  30 2  * * mon-fri ",
            "30 2 * * mon-fri",
            "America/Argentina/Buenos_Aires",
        ),
        ("0 0 29 2 *", "0 0 29 2 *", "UTC"),
        ("0 0 L * *", "0 0 L * *", "UTC"),
    ],
)
def test_a_cron_is_kept_as_written_and_taken_apart(cron: str, schedule: str, timezone: str) -> None:
    definition = parse(document(triggers=[{"cron": cron}]), FILES)
    assert definition.crons == (CronTrigger(cron, schedule, timezone),)
    assert definition.triggers == ()


def test_events_and_crons_may_both_trigger_a_function() -> None:
    triggers: list[object] = [{"cron": "0 9 * * *"}, {"event": "a"}, {"cron": "TZ=Asia/Tokyo 0 9 * * *"}]
    definition = parse(document(triggers=triggers), FILES)
    assert [cron.timezone for cron in definition.crons] == ["UTC", "Asia/Tokyo"]
    assert definition.triggers == (EventTrigger("a"),)


WRONG: list[tuple[list[object], str, str]] = [
    ([{"event": "a", "expression": 1}], "[0].expression", "must be text"),
    ([{"event": "a", "expression": " "}], "[0].expression", "must not be empty"),
    ([{"event": "a", "expression": "event.data.a =="}], "[0].expression", "^is not an expression: column 16: "),
    ([{"event": "a", "expression": "response.a"}], "[0].expression", "response"),
    ([{"event": "a", "expression": "true"}] * 2, "[1].event", '"a" is already one of the triggers'),
    ([{"event": "a"}, {"event": "a", "expression": "true"}], "[1].expression", r"\$.triggers\[0\] takes every \"a\""),
    ([{"event": "a", "expression": "true"}, {"event": "a"}], "[0].expression", r"\$.triggers\[1\] takes every \"a\""),
    ([{"cron": 5}], "[0].cron", "must be text"),
    ([{"cron": "0 9 * *"}], "[0].cron", "five fields"),
    ([{"cron": "0 0 9 * * *"}], "[0].cron", "five fields"),
    ([{"cron": "0\t9 * * *"}], "[0].cron", "control characters"),
    ([{"cron": "@daily"}], "[0].cron", "five fields"),
    ([{"cron": "TZ=UTC"}], "[0].cron", "five fields"),
    ([{"cron": "99 9 * * *"}], "[0].cron", "not a cron expression: Bad minute"),
    ([{"cron": "0 0 31 2 *"}], "[0].cron", "not a cron expression: Bad day-of-month"),
    ([{"cron": "0 0 */31 * SUN#5"}], "[0].cron", "never comes"),
    ([{"cron": "TZ=Europe/Pari 0 9 * * *"}], "[0].cron", 'did you mean "Europe/Paris"'),
    ([{"cron": "TZ=Europe 0 9 * * *"}], "[0].cron", '"Europe" is not a time zone'),
    ([{"cron": "TZ=../x 0 9 * * *"}], "[0].cron", "not a time zone; they are named as in Europe/Paris"),
    ([{"cron": "TZ=localtime 0 9 * * *"}], "[0].cron", "not a time zone"),
    ([{"cron": "TZ=right/UTC 0 9 * * *"}], "[0].cron", "not a time zone"),
    ([{"cron": "TZ= 0 9 * * *"}], "[0].cron", "not a time zone"),
    ([{"cron": "0 9 * * *", "expression": "true"}], "[0].expression", "unknown field"),
    ([{"cron": "0 9 * * MON"}, {"cron": "TZ=UTC 0  9 * * mon"}], "[1].cron", "is already one of the triggers"),
    ([{"event": "a", "cron": "* * * * *"}], "[0]", "not both"),
]


@pytest.mark.parametrize(("triggers", "path", "message"), WRONG)
def test_a_trigger_s_fault_is_named_with_its_path(triggers: list[object], path: str, message: str) -> None:
    faults = faults_of(document(triggers=triggers))
    assert list(faults) == [f"$.triggers{path}"]
    (found,) = faults.values()
    assert re.search(message, found), found


@given(st.text(st.sampled_from("0123456789*/-,#LWl MONJAN=TZtz.²"), max_size=30))
def test_any_text_is_a_cron_or_is_refused(part: str) -> None:
    for text in (part, f"0 0 {part}", f"{part[:5].strip()} * * * *"):
        with suppress(InvalidDefinition):
            (cron,) = parse(document(triggers=[{"cron": text}]), FILES).crons
            assert len(cron.schedule.split()) == 5
