"""The environment variables of steps: their environment's secrets, and in dev mode the function's `.env`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.test import override_settings
from msgspec import structs

from apps.cli.secret_values import read_values
from apps.datastore import code_cache, read_secrets
from apps.datastore.definition.types import Runtime
from apps.datastore.models import Environment
from apps.datastore.secrets import set_secrets
from apps.executor.dotenv import read_dotenv
from apps.executor.drain import Drain
from apps.executor.loading import load
from apps.runner.consume_events import consume_events
from apps.state import queue
from apps.state.models import Attempt, History, Step
from apps.state.scheduling import promote_due
from drivers.contract import Call
from drivers.runtime import OptionValue
from tests.functions import append, define, deploy, dev_environment, statuses
from tests.state.counting import statements
from tests.state.items import add_worker, execute

pytestmark = pytest.mark.django_db

SHOWS = """
export const run = () => {
  console.log("key " + process.env.KEY);
  const { KEY, OTHER } = process.env;
  return { length: (KEY ?? "").length, other: OTHER ?? null, all: Object.keys(process.env).sort() };
};
"""


@pytest.fixture(autouse=True)
def nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has just begun, on a machine that has kept no code."""
    monkeypatch.setattr(code_cache, "private_folder", lambda name: tmp_path / name)
    read_secrets._known.clear()
    yield
    read_secrets._known.clear()
    code_cache._files.cache_clear()
    code_cache._memory.clear()


@pytest.fixture
def shop() -> Environment:
    return Environment.objects.create(public_id="11111111-1111-4111-b111-111111111111", slug="shop")


def start(
    environment: Environment, runtime: str = "typescript", *, runs: int = 1, slug: str = "fn", folder: str = ""
) -> None:
    plain = define(slug=slug)
    options: dict[str, OptionValue] = (
        {"entrypoint": "index.ts"} if runtime == "typescript" else {"url": "http://127.0.0.1:9/"}
    )
    step = structs.replace(plain.steps["step-1"], runtime=Runtime(runtime, options), attempts=2)
    deploy(environment, structs.replace(plain, steps={"step-1": step}), {"index.ts": SHOWS}, folder)
    append(count=runs)
    execute("UPDATE event_stream_event SET environment_id = %s", (environment.pk,))
    consume_events()


def calls() -> list[Call]:
    """What the drivers of all that is ready would get."""
    worker = add_worker()
    items = [item for name in ("steps.cpu", "steps") for item in queue.claim(name, worker, 1_000, 0)]
    return [work.call for work in load(items, worker).work]


def drain() -> Mapping[str, object]:
    """Runs what is ready; the output of the last step."""
    Drain("steps.cpu").run()
    output: Mapping[str, object] = json.loads(Step.objects.latest("queued_at").output or "null")
    return output


def log() -> str:
    """Of the last attempt."""
    return Attempt.objects.latest("ended_at").log


def test_a_step_reads_its_environments_secrets_and_shows_none(shop: Environment) -> None:
    set_secrets(shop, {"KEY": "hush-hush", "OTHER": "hush-hush-hush"}, "ada")
    set_secrets(dev_environment(), {"ELSEWHERE": "1"}, "ada")
    start(shop)
    assert drain() == {"length": 9, "other": "[redacted OTHER]", "all": ["KEY", "OTHER"]}
    assert log() == "key [redacted KEY]"


def test_another_environments_step_does_not_see_them(shop: Environment) -> None:
    set_secrets(shop, {"KEY": "hush-hush"}, "ada")
    start(dev_environment())
    assert drain() == {"length": 0, "other": None, "all": []}


def test_a_changed_secret_is_seen_within_a_second(shop: Environment) -> None:
    set_secrets(shop, {"KEY": "hush-hush"}, "ada")
    start(shop)
    assert calls()[0].env == {"KEY": "hush-hush"}
    set_secrets(shop, {"KEY": "hush-hush-2"}, "ada")
    read_secrets._known[shop.pk] = read_secrets._known[shop.pk]._replace(until=0.0)
    start(shop)
    assert calls()[0].env == {"KEY": "hush-hush-2"}


def test_what_runs_elsewhere_gets_none_and_costs_nothing(shop: Environment) -> None:
    set_secrets(shop, {"KEY": "hush-hush"}, "ada")
    start(shop, "http")
    with statements() as seen:
        assert calls()[0].env == {}
    assert not any("secret" in one for one in seen)


@pytest.mark.parametrize("runs", [1, 20])
def test_a_claim_looks_for_changes_once_a_second_for_all_of_its_steps(shop: Environment, runs: int) -> None:
    set_secrets(shop, {"KEY": "hush-hush"}, "ada")
    start(dev_environment(), runs=runs)
    execute("UPDATE datastore_environment SET secret_changes = 1")
    calls()
    start(shop, runs=runs)
    start(dev_environment(), runs=runs)
    read_secrets._known.clear()
    with statements() as seen:
        assert len(calls()) == 2 * runs
    assert len([one for one in seen if "secret" in one]) == 2, seen
    start(shop, runs=runs)
    with statements() as seen:
        assert len(calls()) == runs
    assert not [one for one in seen if "secret" in one], seen


def test_what_cannot_be_read_fails_its_own_environments_steps_and_says_what_to_do(shop: Environment) -> None:
    with override_settings(SECRET_KEY="of another time"):
        set_secrets(shop, {"KEY": "hush-hush"}, "ada")
    start(dev_environment())
    start(shop, slug="theirs")
    Drain("steps.cpu").run()
    assert statuses() == {"completed": 1, "running": 1}
    reason = History.objects.get(kind="step.retrying").reason
    assert "KEY: " in reason
    assert "SECRET_KEY_FALLBACKS" in reason
    with override_settings(SECRET_KEY_FALLBACKS=["of another time"]):
        read_secrets._known.clear()
        execute("UPDATE state_scheduleditem SET due_at = now()")
        promote_due()
        Drain("steps.cpu").run()
    assert statuses() == {"completed": 2}


def test_in_dev_mode_the_functions_dotenv_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=from the file\nOTHER=\n")
    set_secrets(dev_environment(), {"KEY": "hush-hush", "MORE": "hush-hush-2"}, "ada")
    start(dev_environment(), folder=str(tmp_path))
    assert calls()[0].env == {"KEY": "from the file", "OTHER": "", "MORE": "hush-hush-2"}


def test_a_dotenv_means_what_it_says_and_takes_in_nothing_of_the_workers_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_WORKER", "hush-hush")
    (tmp_path / ".env").write_text("KEY=${OF_THE_WORKER}\n", encoding="utf-8-sig")
    assert read_dotenv(tmp_path) == {"KEY": "${OF_THE_WORKER}"}
    assert read_values([], [str(tmp_path / ".env")]).values == {"KEY": "${OF_THE_WORKER}"}


def test_a_dotenv_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    start(dev_environment(), folder=str(tmp_path))
    assert calls()[0].env == {}
