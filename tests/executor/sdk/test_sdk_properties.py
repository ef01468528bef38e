"""Random functions, worked by random schedules, come to what a plain interpreter of them gives; nothing is left."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.executor.finished import Finished
from apps.executor.recording import record
from apps.runner.consume_events import consume_events
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.state.models import Attempt, History, Run, Step, Wait
from apps.state.scheduling import promote_due
from apps.state.workers import reclaim_lost
from drivers import registry
from drivers.contract import Call
from tests.executor.sdk.programs import (
    ATTEMPTS,
    CALLEE,
    Plan,
    expected,
    leaves,
    perform,
    perform_callee,
    plans,
)
from tests.executor.sdk.working import answered, claim, output_of, send
from tests.functions import fail, left_over
from tests.sdk_functions import SdkApp, hash_of, serve
from tests.state.items import LEASE_SECONDS, add_worker, execute, silence

VERBS = st.sampled_from(
    ["claim", "claim", "claim", "record", "record", "record", "die", "events", "promote", "probe", "consume", "again"]
)
SCHEDULES = st.lists(st.tuples(VERBS, st.integers(0, 7), st.integers(0, 7)), max_size=60)
WORKERS = 3


class Fleet:
    """Workers that claim, call, record and die in the order that a schedule says, on this connection."""

    def __init__(self, app: SdkApp, plan: Plan, *, deaths: bool) -> None:
        self._app = app
        self._plan = plan
        self._deaths = deaths
        self._workers = [add_worker() for _ in range(WORKERS)]
        self._over: list[Finished] = []
        self._sent: Counter[str] = Counter()
        self.died = False

    def do(self, verb: str, which: int, many: int) -> None:
        if verb == "claim":
            loaded = claim(self._workers[which % WORKERS], 1 + many)
            self._over += answered(loaded) if loaded else []
        elif verb == "record":
            batch = self._over[which % (len(self._over) + 1) :][: 1 + many]
            self._over = [one for one in self._over if one not in batch]
            if batch:
                record(batch[::-1] if which % 2 else batch)
        elif verb == "die" and self._deaths:
            self._die(which % WORKERS)
        elif verb == "events":
            self._send(twice=which % 2 == 1)
        elif verb == "promote":
            execute("UPDATE state_scheduleditem SET due_at = now()")
            promote_due()
        elif verb == "probe":
            probe_waits()
            expire_waits()
        elif verb == "consume":
            consume_events()
        elif verb == "again" and self._over:
            # An answer that is recorded twice: its lease is gone the second time.
            one = self._over.pop(which % len(self._over))
            record([one])
            record([one])

    def _die(self, place: int) -> None:
        """What it holds is ready again; what it called it may still try to record."""
        silence(self._workers[place])
        reclaim_lost(LEASE_SECONDS, 1_000)
        self._workers[place] = add_worker()
        self.died = True

    def _send(self, *, twice: bool) -> None:
        """The events for the waits that are open."""
        for name in Wait.objects.filter(status="open").values_list("sources", flat=True):
            for leaf in leaves(self._plan):
                if hash_of(leaf.name) == name and leaf.comes:
                    for _ in range(1 + twice):
                        send("answer", step=leaf.name)

    def finish(self) -> None:
        """Until the run has ended and nothing is left to do."""
        for _ in range(400):
            for verb in ("events", "consume", "probe", "promote", "claim"):
                self.do(verb, 0, 7)
            while self._over:
                self.do("record", 0, 7)
            if left_over() == {} and not Run.objects.filter(ended_at=None).exists():
                return
        raise AssertionError(f"it does not end: {left_over()}, {list(Step.objects.values('name', 'status', 'op'))}")


class RandomFunctions(TestCase):
    def setUp(self) -> None:
        self.addCleanup(registry._instances.pop, "sdk", None)

    def perform(
        self,
        plan: Plan,
        schedule: list[tuple[str, int, int]],
        version: int,
        *,
        deaths: bool,
        fails: Callable[[SdkApp, Call], bool] = lambda app, call: False,
    ) -> tuple[SdkApp, Fleet]:
        app = SdkApp()
        app.version = version
        app.answer = lambda call: fail("the app is down") if fails(app, call) else None
        registry._instances["sdk"] = app
        serve(app, lambda event: perform(plan), attempts=ATTEMPTS)
        serve(app, perform_callee, CALLEE, event="", attempts=1)
        send(n=1)
        consume_events()
        fleet = Fleet(app, plan, deaths=deaths)
        for verb, which, many in schedule:
            fleet.do(verb, which, many)
        fleet.finish()
        note(f"calls: {dict(app.calls)}")
        note(str(list(History.objects.values_list("kind", "reason"))))
        return app, fleet

    def assert_as_interpreted(self, plan: Plan) -> Run:
        run = Run.objects.get(function__slug="app-fn")
        assert (run.status, output_of(run)) == ("completed", expected(plan))
        assert not Step.objects.filter(status="open").exists()
        assert not Wait.objects.filter(status="open").exists()
        told = Counter(
            History.objects.filter(run=run, kind__in=("step.completed", "step.failed")).values_list(
                "step_id", flat=True
            )
        )
        assert set(told.values()) <= {1}
        assert History.objects.filter(run=run, kind="run.completed").count() == 1
        numbers = Attempt.objects.filter(run=run).values_list("step_id", "number")
        assert len(set(numbers)) == len(numbers)
        return run

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans(), SCHEDULES, st.sampled_from([2, 2, 1]))
    def test_any_function_comes_to_what_it_says(self, plan: Plan, schedule: list[Any], version: int) -> None:
        self.perform(plan, schedule, version, deaths=True)
        self.assert_as_interpreted(plan)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans(), SCHEDULES, st.sampled_from([2, 2, 1]))
    def test_no_code_is_run_again_once_it_has_succeeded(self, plan: Plan, schedule: list[Any], version: int) -> None:
        self.perform(plan, schedule, version, deaths=False)
        self.assert_as_interpreted(plan)
        for leaf in leaves(plan):
            assert leaf.code.runs <= min(leaf.fails + 1, ATTEMPTS), leaf

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans(), SCHEDULES, st.sampled_from([2, 2, 1]), st.integers(1, 4))
    def test_calls_that_fail_now_and_then_change_nothing(
        self, plan: Plan, schedule: list[Any], version: int, every: int
    ) -> None:
        for leaf in leaves(plan):
            if leaf.kind == "run":
                leaf.code.times = leaf.fails = 0

        def fails(app: SdkApp, call: Call) -> bool:
            return call.runtime["url"] == "app-fn" and call.attempt == 0 and app.calls.total() % every == 0

        self.perform(plan, schedule, version, deaths=True, fails=fails)
        self.assert_as_interpreted(plan)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans(races=False), SCHEDULES)
    def test_a_function_is_called_as_often_as_the_protocol_says(self, plan: Plan, schedule: list[Any]) -> None:
        app, _ = self.perform(plan, schedule, 2, deaths=False)
        self.assert_as_interpreted(plan)
        # Once for each group, to run its only step or to ask for what it has; and once for the return.
        ones = [group.leaves[0] for group in plan if len(group.leaves) == 1]
        retries = sum(min(leaf.fails, ATTEMPTS - 1) for leaf in ones if leaf.kind == "run")
        invoked = sum(leaf.kind == "invoke" for leaf in leaves(plan))
        assert app.calls["step"] == len(plan) + 1 + retries + 2 * invoked
        for leaf in leaves(plan):
            is_alone = leaf in ones
            tries = 0 if is_alone or leaf.kind != "run" else min(leaf.fails + 1, ATTEMPTS)
            assert app.calls[hash_of(leaf.name)] == tries
