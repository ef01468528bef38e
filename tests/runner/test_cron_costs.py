"""What crons cost: as many statements for a hundred as for one, and next to nothing while none has ticked."""

import pytest

from apps.datastore.models import CronTrigger
from apps.runner.consume_events import consume_events
from apps.runner.run_crons import run_crons
from apps.state.models import Run
from tests.crons import EVERY_MINUTE, deploy_crons, let_be_due
from tests.functions import Rings
from tests.state.counting import statements
from tests.state.items import execute
from tests.state.plans import Explainer

pytestmark = pytest.mark.django_db

# Take, advance, events with their inbox, runs with their history, steps with their items.
A_BATCH = 5
AN_EMPTY_LOOK = 1


@pytest.mark.parametrize("triggers", [1, 10, 100])
def test_a_batch_costs_the_same_however_many_crons_have_ticked(rings: Rings, triggers: int) -> None:
    for number in range(triggers):
        deploy_crons(EVERY_MINUTE, slug=f"fn-{number}")
    let_be_due()
    run_crons()  # this process has read their versions
    consume_events()
    rings.take()
    let_be_due()
    with statements() as seen:
        assert run_crons() == triggers
    assert len(seen) == A_BATCH + AN_EMPTY_LOOK, seen
    assert rings.take()[("executor.drain", "steps")] <= 4


def test_a_look_when_nothing_has_ticked_costs_one_statement(rings: Rings) -> None:
    deploy_crons(EVERY_MINUTE)
    with statements() as seen:
        assert run_crons() == 0
    assert len(seen) == AN_EMPTY_LOOK
    assert not rings.take()


def test_a_look_reads_no_trigger_that_has_not_ticked() -> None:
    deploy_crons(EVERY_MINUTE)
    explainer = Explainer()
    with explainer.watch():
        run_crons()  # planned with one row
    execute(
        "INSERT INTO datastore_crontrigger"
        " (environment_id, function_id, version_id, cron, schedule, timezone, next_at)"
        " SELECT environment_id, function_id, version_id, n, schedule, timezone, now() + n * interval '1 minute'"
        " FROM datastore_crontrigger, generate_series(1, 5000) AS n"
    )
    let_one_be_due()
    with explainer.watch() as seen:
        assert run_crons() == 1
    takes = [one for one in seen if "SKIP LOCKED" in one.statement]
    assert [scan.rows for one in takes for scan in one.scans if scan.table == "datastore_crontrigger"] == [1, 0]
    assert sum(scan.rows for one in seen for scan in one.scans if scan.table == "datastore_crontrigger") < 10
    assert Run.objects.count() == 1


def let_one_be_due() -> None:
    first = CronTrigger.objects.order_by("id").values("id")[:1]
    execute("UPDATE datastore_crontrigger SET next_at = date_trunc('minute', now()) WHERE id = %s", (first[0]["id"],))
