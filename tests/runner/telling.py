"""Tells a story: does to the server what the schedule says, and holds it to the model after each thing done."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from apps.event_stream.consuming import take_these
from apps.executor.finished import Finished
from apps.executor.loading import load
from apps.executor.recording import record
from apps.runner import consume_events as consuming
from apps.runner.expire_waits import expire_waits
from apps.runner.probe_waits import probe_waits
from apps.runner.resume_wide_events import resume_wide_events
from apps.state import queue
from apps.state.ending import cancel_run
from apps.state.scheduling import promote_due
from apps.state.workers import reclaim_lost
from drivers.contract import Outcome
from tests.clock import Clock
from tests.functions import append, deploy_steps, fail, succeed
from tests.runner.comparing import assert_as_told, rows
from tests.runner.model import ONE, Model, RunState, Sent, WaitState
from tests.runner.stories import START, Do, Story
from tests.state.items import LEASE_SECONDS, QUEUE, add_worker, execute

PATIENCE = 60
"""Moments, and things done at one moment, after which every run must have ended."""
_slugs = count()


@dataclass
class Call:
    """A leased item that is being called."""

    run: RunState
    step: str
    finished: Finished
    lost: bool = False
    """Its worker was declared dead, so nothing comes of it."""


class Teller:
    """The server, its function and its clock, beside the model."""

    def __init__(self, story: Story, clock: Clock) -> None:
        self.story, self.clock = story, clock
        self.model = Model(story)
        self.events: dict[int, Sent] = {}
        self.inbox: set[int] = set()
        self.calls: list[Call] = []
        deploy_steps(
            story.graph,
            slug=f"story-{next(_slugs)}",
            event=START,
            attempts=story.attempts,
            cancel=tuple(story.cancel),
        )

    def do(self, one: Do) -> None:
        verb = getattr(self, f"do_{one.verb}")
        if one.verb == "send":
            verb(one.name, one.data)
        else:
            verb(one.which)
        self.check()

    def check(self) -> None:
        assert_as_told(self.model, self.events, self.clock.now())

    def do_send(self, name: str, data: Any) -> None:
        now = self.clock.now()
        data = dict(data)
        if "in" in data:
            data["at"] = (now + timedelta(seconds=data.pop("in"))).isoformat().replace("+00:00", "Z")
        payload = {"name": name, "data": data}
        (seq,) = append(name, json.dumps(payload))
        self.events[seq] = Sent(seq, name, payload, now)
        self.inbox.add(seq)

    def do_consume(self, which: int) -> None:
        self._consume(sorted(self.inbox), consuming.consume_events)

    def do_ahead(self, which: int) -> None:
        """One event is consumed before all others, as by a consumer that is faster."""
        if self.inbox:
            seq = sorted(self.inbox)[which % len(self.inbox)]
            self._consume([seq], lambda: consuming._consume(partial(take_these, [seq])))

    def do_again(self, which: int) -> None:
        """An event that was consumed is back in the inbox."""
        consumed = sorted(self.events.keys() - self.inbox)
        if consumed:
            seq = consumed[which % len(consumed)]
            execute("INSERT INTO event_stream_inbox VALUES (%s)", (seq,))
            self.inbox.add(seq)

    def _consume(self, seqs: Sequence[int], consume: Any) -> None:
        listening = [(run, wait) for run in self._open() for wait in run.waits if wait.status == "open"]
        assert consume() == len(seqs)
        self.inbox -= set(seqs)
        started = {event_seq: run_id for run_id, event_seq in rows("SELECT id, event_seq FROM state_run")}
        for seq in seqs:
            if self.events[seq].name == START and started[seq] not in self.model.runs:
                self.model.start(started[seq], self.events[seq], self.clock.now())
        met = set(seqs) - _wide_events()
        for run, wait in listening:
            if any(run.is_for(wait, self.events[seq]) for seq in met):
                self._must_have_ended(wait)

    def _open(self) -> list[RunState]:
        return [run for run in self.model.runs.values() if run.status == "open"]

    def _must_have_ended(self, wait: WaitState) -> None:
        assert wait.key not in _open_waits(), f"{wait} was not resumed"

    def do_probe(self, which: int) -> None:
        # What a wide event has left it resumes itself.
        consumed = [self.events[seq] for seq in self.events.keys() - self.inbox - _wide_events()]
        probe_waits()
        for run in self._open():
            for wait in run.waits:
                if wait.status == "open" and any(run.is_for(wait, event) for event in consumed):
                    self._must_have_ended(wait)
                wait.looked_back = True

    def do_wide(self, which: int) -> None:
        wide = _wide_events()
        resume_wide_events()
        assert not _wide_events()
        for run in self._open():
            for wait in run.waits:
                if wait.status == "open" and any(run.is_for(wait, self.events[seq]) for seq in wide):
                    self._must_have_ended(wait)

    def do_expire(self, which: int) -> None:
        expire_waits()
        now = self.clock.now()
        if _wide_events():
            return  # time-outs are held back
        for run in self._open():
            for wait in run.waits:
                if wait.status != "open" or not wait.looked_back or wait.expires is None or wait.expires >= now:
                    continue
                if all(self.events[seq].received_at > wait.expires for seq in self.inbox):
                    self._must_have_ended(wait)

    def do_promote(self, which: int) -> None:
        promote_due()
        for run in self._open():
            for step in run.steps.values():
                if step.status == "open" and step.place == "scheduled" and step.due <= self.clock.now():
                    step.place = "ready"

    def do_claim(self, which: int) -> None:
        worker = add_worker()
        last = max(self.events, default=0)
        items = queue.claim(QUEUE, worker, 1 + which, 0)
        loaded = load(items, worker)
        queue.finish([(item.id, worker) for item in loaded.ended])
        assert not loaded.over
        for work in loaded.work:
            run = self.model.runs[work.item.run_id]
            step = run.steps[work.item.step_id]
            assert (step.status, step.place, step.attempt) == ("open", "ready", work.item.attempt)
            assert step.due <= self.clock.now()
            step.place = "leased"
            step.since = last if step.since is None else step.since
            self.calls.append(Call(run, work.item.step_id, work.finish(self._outcome(work.item))))
        for item in loaded.ended:
            assert self.model.runs[item.run_id].status != "open"

    def _outcome(self, item: queue.Item) -> Outcome:
        act = self.story.act(item.step_id, item.attempt)
        if act == "ok":
            return succeed(json.dumps(self.story.output(item.step_id)))
        return fail(act, for_good=act == "stop", retry_after=10 if act == "later" else 0)

    def do_record(self, which: int) -> None:
        """Some of the calls are recorded, together."""
        some = self.calls[which % 3 :][: 1 + which // 3]
        self.calls = [call for call in self.calls if call not in some]
        if some:
            record([call.finished for call in some])
            live = [call for call in some if not call.lost and call.run.status == "open"]
            self.model.record([(call.run, call.step) for call in live], self.clock.now())

    def do_lose(self, which: int) -> None:
        """A worker dies; what it was calling may come to its end all the same."""
        if self.calls:
            worker = self.calls[which % len(self.calls)].finished.worker_id
            execute("UPDATE state_worker SET heartbeat_at = 'epoch' WHERE id = %s", (worker,))
            if which < 4:
                self.do_reclaim(which)

    def do_reclaim(self, which: int) -> None:
        reclaim_lost(LEASE_SECONDS, 1_000)
        alive = {row[0] for row in rows("SELECT id FROM state_worker")}
        for call in self.calls:
            if call.finished.worker_id not in alive and not call.lost:
                call.lost = True
                if call.run.status == "open":
                    call.run.steps[call.step].place = "ready"

    def do_cancel(self, which: int) -> None:
        if which < 2 and self.model.runs:
            run = list(self.model.runs.values())[which % len(self.model.runs)]
            assert cancel_run(run.id, "asked for") == (run.status == "open")
            if run.status == "open":
                self.model.cancel(run)

    def do_to(self, which: int) -> None:
        self._pass_to(which, timedelta(0))

    def do_before(self, which: int) -> None:
        self._pass_to(which, -ONE)

    def do_after(self, which: int) -> None:
        self._pass_to(which, ONE)

    def do_pass(self, which: int) -> None:
        self.clock.move(seconds=4 * which)

    def _pass_to(self, which: int, by: timedelta) -> None:
        """To the last moment before something is due or over, and around it."""
        moments = [one - ONE + by for one in self.model.boundaries(self.clock.now())]
        moments = [one for one in moments if one >= self.clock.now()]
        if moments:
            self.clock.move_to(moments[which % len(moments)])

    def finish(self) -> None:
        """Time goes on until every run has ended: nothing may be stuck, and nothing is left."""
        for _ in range(PATIENCE):
            self._come_to_rest()
            if not self._open():
                break
            self.clock.move_to(self._next_moment())
        assert not self._open()
        probe_waits()
        for table in ("inbox", "scheduleditem", "readyitem", "leaseditem", "probe", "wideevent"):
            app = "event_stream" if table == "inbox" else "state"
            assert rows(f"SELECT * FROM {app}_{table}") == [], table
        assert _open_waits() == set()
        self._assert_told_once()

    def _next_moment(self) -> datetime:
        moments = self.model.boundaries(self.clock.now())
        assert moments, "a run is open, and nothing is to come"
        return moments[0]

    def _come_to_rest(self) -> None:
        for _ in range(PATIENCE):
            before = rows(_STATE)
            for verb in ("consume", "probe", "wide", "expire", "promote", "reclaim"):
                self.do(Do(verb, 7))
            while self.calls or rows("SELECT id FROM state_readyitem LIMIT 1"):
                self.do(Do("claim", 7))
                self.do(Do("record", 6))
                self.do(Do("reclaim"))
            if rows(_STATE) == before:
                return
        raise AssertionError("it does not come to rest")

    def _assert_told_once(self) -> None:
        """The history tells each end once."""
        told = Counter(rows("SELECT run_id, kind, step_id FROM state_history WHERE kind <> 'step.returned'"))
        for run in self.model.runs.values():
            assert told[run.id, f"run.{run.status}", None] == 1
            ends = [kind for (run_id, kind, step), times in told.items() for _ in range(times) if run_id == run.id]
            assert sum(kind in {"run.completed", "run.failed", "run.cancelled"} for kind in ends) == 1
            for kind in ("arrived", "timed out"):
                ended = [wait for wait in run.waits if wait.kind == "step" and wait.status == kind]
                assert ends.count(f"wait.{kind.replace(' ', '_')}") == len(ended)
            for name, step in run.steps.items():
                for kind in ("completed", "failed"):
                    assert told[run.id, f"step.{kind}", name] == (step.status == kind)


_STATE = """
SELECT 'step', run_id, step_id, status, attempts::text FROM state_step
UNION ALL SELECT 'wait', run_id, id::text, status, '' FROM state_wait
UNION ALL SELECT 'inbox', seq::text, '', '', '' FROM event_stream_inbox
"""


def _wide_events() -> set[int]:
    return {row[0] for row in rows("SELECT seq FROM state_wideevent")}


def _open_waits() -> set[tuple[Any, ...]]:
    return set(
        rows("SELECT kind, sources, event_name, match, since_seq, expires_at FROM state_wait WHERE status = 'open'")
    )
