"""The function that the format's specification shows, whole, on all four runtimes: deployed by the command to a server
in production mode, and run by real workers on a real engine.

`post_signup/` holds it as it stands there, with its hours and days: where they have to pass, the rows that wait are
moved. Changed is what nobody here has: the host of the http step, and the image that the docker step's begins with.
"""

import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import wasmtime

from tests.acceptance.production import ProductionServer
from tests.cli.terminal import environment, run
from tests.docker_engine import OWNER, remove
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

DOCUMENT = Path(__file__).parent / "post_signup"
MAIL_KEY = "a-key-of-the-post-office"
_PASS_SLEEP = "UPDATE state_scheduleditem SET due_at = now() WHERE run_id = %s RETURNING step_id"
_PASS_WAITS = (
    "UPDATE state_wait SET expires_at = now() WHERE run_id = %s AND status = 'open' RETURNING expires_at - opened_at"
)


class Shop(ProductionServer):
    """Its tests share it, each with an order of its own."""

    def environment_id(self) -> str:
        (found,) = self.rows("SELECT public_id FROM datastore_environment WHERE slug = 'shop'")
        return str(found[0])

    def sign_up(self, order: str, **data: object) -> str:
        """An event of who has the order's name. Its id."""
        event = {"name": "user/signed.up", "data": {"order_id": order, "plan": "pro", **data}, "user": {"id": order}}
        (accepted,) = self.send([event])
        return accepted

    def starts(self, event: str) -> list[dict[str, Any]]:
        """What the event has started, or why not."""
        return wait_for(lambda: self.ask(f"/v1/events/{event}/starts"), "the event is consumed") or []

    def run_of(self, event: str) -> str:
        (start,) = self.starts(event)
        assert start["started"], start
        return str(start["run_id"])

    def steps(self, run_id: str) -> Mapping[str, Any]:
        return {step["id"]: step for step in self.ask(f"/v1/runs/{run_id}")["steps"]}

    def wait_step(self, run_id: str, step: str, *statuses: str) -> Any:
        def found() -> Any:
            seen = self.steps(run_id)[step]
            return seen if seen["status"] in statuses else None

        return wait_for(found, f"{step} is {' or '.join(statuses)}: {self.steps(run_id)[step]}", 60)

    def wait_ended(self, run_id: str) -> Mapping[str, Any]:
        """The run's steps, once it has completed."""
        wait_for(lambda: self.ask(f"/v1/runs/{run_id}")["status"] == "Completed", f"{run_id} completes", 30)
        return self.steps(run_id)


@pytest.fixture(scope="module")
def standing_server(docker_engine: Any, busybox_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("person")
    server = Shop()
    try:
        server.start()
        worker = server.fleet.worker("steps", "steps,steps.cpu,steps.docker", threads=4)
        function = function_in(folder, server.app.url, busybox_image)
        person = environment(folder, {"INNGEST_API_URL": server.url, "INNGEST_API_TOKEN": server.token})
        for arguments in (["secrets", "set", f"MAIL_KEY={MAIL_KEY}"], ["deploy", str(function)]):
            said = run(arguments, person)
            assert said.code == 0, said.err
        server.wait_working(worker)
        yield server
        left = {"label": [f"inngest.owner={server.environment_id()}"]}
        wait_for(lambda: not docker_engine.containers(all=True, filters=left), "no container is left", 10)
    finally:
        server.close()
        for container in docker_engine.containers(
            all=True, filters={"label": [f"inngest.tests={OWNER}", "inngest.run"]}
        ):
            remove(docker_engine, container["Id"])


def function_in(folder: Path, url: str, image: str) -> Path:
    function = folder / "post-signup"
    shutil.copytree(DOCUMENT, function)
    nag = function / "steps" / "nag" / "nag.wat"
    nag.with_suffix(".wasm").write_bytes(wasmtime.wat2wasm(nag.read_text()))
    _replace(function / "inngest.json", "https://example.com/", url)
    _replace(function / "steps" / "send-welcome" / "Dockerfile", "FROM busybox", f"FROM {image}")
    return function


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def shop(server: Shop) -> Shop:
    return server


def test_it_is_live_and_ticks_on_mondays_at_nine_in_paris(shop: Shop) -> None:
    cron, zone, next_at = shop.rows("SELECT schedule, timezone, next_at FROM datastore_crontrigger")[0]
    there = next_at.astimezone(ZoneInfo("Europe/Paris"))
    assert (cron, zone) == ("0 9 * * 1", "Europe/Paris")
    assert (there.weekday(), there.hour, there.minute) == (0, 9, 0)
    assert shop.ask("/v1/functions/abstract-nitty-a14c1d")["version"] == 1


def test_who_confirms_is_thanked_and_reminded_a_day_after_the_mail(shop: Shop) -> None:
    run_id = shop.run_of(shop.sign_up("ada"))
    sent = shop.wait_step(run_id, "send-welcome", "Completed")
    assert sent["output"] == {"status": 200, "sent_to": "ada"}
    assert [one["log"] for one in sent["tries"]] == ["a mail to ada, with the key [redacted MAIL_KEY]"]
    # Somebody else's confirmation is none.
    shop.send([{"name": "user/confirmed", "data": {}, "user": {"id": other}} for other in ("bob", "ada")])
    thanked = shop.wait_step(run_id, "thank", "Completed")
    assert thanked["output"] == {"step": "thank", "call": 1}
    assert thanked["event_id"]
    asleep = shop.steps(run_id)["remind"]
    assert asleep["status"] == "Sleeping"
    assert shop.rows(_PASS_SLEEP, run_id) == [("remind",)]
    ended = shop.wait_ended(run_id)
    assert ended["remind"]["output"] == {"reminded": "ada", "of": "ada"}
    assert [one["log"] for one in ended["remind"]["tries"]] == ["reminding ada"]
    assert (ended["nag"]["status"], ended["nag"]["tries"]) == ("Skipped", [])


def test_who_does_not_confirm_is_nagged_after_three_days(shop: Shop) -> None:
    run_id = shop.run_of(shop.sign_up("grace"))
    shop.wait_step(run_id, "remind", "Sleeping")
    (sleep,) = shop.rows("SELECT due_at - now() FROM state_scheduleditem WHERE run_id = %s", run_id)[0]
    assert timedelta(hours=23, minutes=59) < sleep <= timedelta(hours=24)
    assert shop.rows(_PASS_SLEEP, run_id) == [("remind",)]
    shop.wait_step(run_id, "remind", "Completed")
    assert shop.steps(run_id)["nag"]["status"] != "Completed"
    # One wait for both edges, and the whole three days of it.
    (ttl,) = shop.rows("SELECT expires_at - opened_at FROM state_wait WHERE run_id = %s", run_id)[0]
    assert ttl == timedelta(hours=72)
    assert len(shop.rows(_PASS_WAITS, run_id)) == 1
    ended = shop.wait_ended(run_id)
    (tried,) = ended["nag"]["tries"]
    assert tried["log"] == "nobody has confirmed"
    given = ended["nag"]["output"]  # what it was given, as it gives it back
    assert given["event"]["user"] == {"id": "grace"}
    assert given["steps"] == {
        "send-welcome": {"status": 200, "sent_to": "grace"},
        "remind": {"reminded": "grace", "of": "grace"},
    }
    assert given["ctx"] == {
        "fn_id": "abstract-nitty-a14c1d",
        "run_id": run_id,
        "step_id": "nag",
        "attempt": 0,
        "env": "shop",
    }
    assert (ended["thank"]["status"], ended["thank"]["tries"]) == ("Skipped", [])


def test_who_got_no_mail_is_not_reminded(shop: Shop) -> None:
    run_id = shop.run_of(shop.sign_up("joan", no_mail=True))
    assert shop.wait_step(run_id, "send-welcome", "Completed")["output"]["status"] == 204
    shop.send([{"name": "user/confirmed", "data": {}, "user": {"id": "joan"}}])
    ended = shop.wait_ended(run_id)
    assert {step: one["status"] for step, one in ended.items()} == {
        "send-welcome": "Completed",
        "remind": "Skipped",
        "thank": "Completed",
        "nag": "Skipped",
    }


def test_another_plan_starts_nothing_and_neither_does_the_same_order_again(shop: Shop) -> None:
    free, first, again = (shop.sign_up("mary", plan="free"), shop.sign_up("mary"), shop.sign_up("mary"))
    run_id = shop.run_of(first)
    assert [(one["started"], one["why"]) for one in shop.starts(free)] == [(False, "expression")]
    assert [(one["started"], one["why"]) for one in shop.starts(again)] == [(False, "idempotency")]
    shop.wait_step(run_id, "send-welcome", "Completed")
    assert shop.call("DELETE", f"/v1/runs/{run_id}")[0] < 300
