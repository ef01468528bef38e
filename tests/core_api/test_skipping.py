"""The server leads random runs: a step that is told to be skipped never runs, and in the end nothing is pending."""

from random import Random

from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.datastore.definition.types import FunctionDefinition
from apps.executor.recording import record
from tests.clock import Clock
from tests.core_api.lives import definitions
from tests.core_api.living import consume, send, steps_of, the_run
from tests.executor.finishing import lease, with_outcome
from tests.functions import deploy, dev_environment, fail, succeed
from tests.state.items import add_worker


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(definition=definitions(), chances=st.integers().map(Random))
def test_what_is_told_to_be_skipped_never_runs(
    client: APIClient, clock: Clock, definition: FunctionDefinition, chances: Random
) -> None:
    with transaction.atomic():
        lead(client, clock, definition, chances)
        transaction.set_rollback(True)


def lead(client: APIClient, clock: Clock, definition: FunctionDefinition, chances: Random) -> None:
    """Lead a run to its end, and ask what is told of it on the way."""
    deploy(dev_environment(), definition, {})
    send(yes=True, no=False)
    consume()
    worker = add_worker()
    skipped: set[str] = set()
    while (run := the_run(client))["phase"] is not None:
        told = {name: step["status"] for name, step in steps_of(run).items()}
        assert told.keys() == definition.steps.keys()
        assert skipped <= {name for name, status in told.items() if status == "Skipped"}
        skipped = {name for name, status in told.items() if status == "Skipped"}
        assert run["phase"] == ("Queued" if "Queued" in told.values() else "Waiting")
        happening = chances.choice(["paid", "sent", "time", *["end a step"] * 3 * ("Queued" in told.values())])
        if happening == "end a step":
            outcome = succeed() if chances.random() < 0.8 else fail(for_good=True)
            record([with_outcome(one, outcome) for one in lease(worker, most=1)])
        elif happening == "time":
            clock.move(minutes=2)
        else:
            send(f"order/{happening}", id=1)
        consume()
    assert {step["status"] for step in run["steps"]} <= {"Completed", "Failed", "Skipped"}
    assert all(step["status"] == "Skipped" for name, step in steps_of(run).items() if name in skipped)
    assert all(bool(step["reason"]) == (step["status"] == "Skipped") for step in run["steps"])
