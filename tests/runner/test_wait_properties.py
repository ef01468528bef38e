"""Whatever a function is like and whatever happens to it in which order, its runs become what the format says."""

import os
from collections.abc import Sequence

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from tests.clock import Clock
from tests.runner.stories import SIZES, START, Do, Sizes, Story, schedules, stories
from tests.runner.telling import Teller

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("WAIT_EXAMPLES", "150"))


class _RolledBack(Exception):
    """What an example wrote is gone."""


def tell(story: Story, schedule: Sequence[Do], clock: Clock) -> None:
    try:
        with transaction.atomic():
            teller = Teller(story, clock)
            for data in story.data:
                teller.do_send(START, data)
            for one in schedule:
                teller.do(one)
            teller.finish()
            raise _RolledBack
    except _RolledBack:
        pass


@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=stories(), schedule=schedules(), sizes=SIZES)
def test_every_run_becomes_what_its_story_says(clock: Clock, story: Story, schedule: list[Do], sizes: Sizes) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("django.conf.settings.CONSUME_BATCH", sizes.consumed)
        patched.setattr("apps.runner.handle_event.RESUMES_MOST", sizes.resumed)
        patched.setattr("apps.runner.resume_wide_events.RESUMES_MOST", sizes.resumed)
        patched.setattr("apps.runner.probe_waits.PROBES_MOST", sizes.probes)
        patched.setattr("apps.runner.probe_waits.EVENTS_MOST", sizes.events)
        patched.setattr("apps.runner.expire_waits.AT_ONCE", sizes.expired)
        tell(story, schedule, clock)
