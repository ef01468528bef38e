"""The code of steps: fetched once for a claim and only where a step runs it here, kept on the machine, never wrong."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec import structs

from apps.datastore import code_cache
from apps.datastore.definition.types import FunctionDefinition, Runtime
from apps.datastore.manifest import manifest_of
from apps.executor.drain import Drain
from apps.executor.loading import UNLOADABLE_ATTEMPTS, load
from apps.runner.consume_events import consume_events
from apps.state import queue
from apps.state.models import History, Step
from apps.state.scheduling import promote_due
from drivers import registry
from drivers.contract import Bundle
from drivers.typescript import TypeScriptDriver
from tests.functions import ScriptedDriver, append, define, deploy, dev_environment, left_over, statuses
from tests.state.counting import statements
from tests.state.items import add_worker, execute

pytestmark = pytest.mark.django_db

CPU = "steps.cpu"
FILES: dict[str, str | bytes] = {
    "steps/a/index.ts": 'import { x } from "../../lib/x"; export const run = (): number => x;',
    "lib/x.ts": "export const x = 7;",
    "data.bin": b"\0\xff",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This machine has kept no code yet."""
    monkeypatch.setattr(code_cache, "private_folder", lambda name: tmp_path / name)
    start_anew()
    yield tmp_path / "code"
    start_anew()


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedDriver:
    """Answers every typescript step."""
    driver = ScriptedDriver()
    monkeypatch.setitem(registry._instances, "typescript", driver)
    return driver


def start_anew() -> None:
    """As another process of this machine would."""
    code_cache._files.cache_clear()
    code_cache._memory.clear()


def define_script(slug: str = "fn", path: str = "steps/a", event: str = "e/x") -> FunctionDefinition:
    plain = define(slug=slug, event=event)
    step = structs.replace(plain.steps["step-1"], path=path, runtime=Runtime("typescript", {"entrypoint": "index.ts"}))
    return structs.replace(plain, steps={"step-1": step})


def start_scripts(files: Mapping[str, str | bytes] = FILES, *, slug: str = "fn", runs: int = 1) -> None:
    deploy(dev_environment(), define_script(slug), files)
    append("e/x", count=runs)
    consume_events()


def bundles() -> list[Bundle | None]:
    """What the drivers of all that is ready would get."""
    worker = add_worker()
    items = [item for name in (CPU, "steps") for item in queue.claim(name, worker, 1_000, 0)]
    return [work.call.bundle for work in load(items, worker).work]


def code_statements(seen: list[str]) -> list[str]:
    return [statement for statement in seen if "datastore_blob" in statement]


def spoil(content: str | bytes) -> str:
    """Make the database's blob of this content unreadable; its digest."""
    (entry,) = manifest_of({"": content.encode() if isinstance(content, str) else content}).values()
    execute("UPDATE datastore_blob SET content = 'spoilt' WHERE digest = %s", (entry.digest,))
    return entry.digest


def heal(digest: str, content: str | bytes) -> None:
    execute("UPDATE datastore_blob SET content = %s WHERE digest = %s", (content, digest))


def test_a_step_gets_its_functions_files_as_they_were_deployed() -> None:
    start_scripts()
    (bundle,) = bundles()
    assert bundle is not None
    assert dict(bundle.files) == {path: f.encode() if isinstance(f, str) else f for path, f in FILES.items()}
    assert bundle.root == "steps/a"


def test_bundles_of_the_same_files_have_one_key_and_others_another() -> None:
    start_scripts(slug="a")
    start_scripts(slug="b")
    start_scripts(FILES | {"data.bin": b"other"}, slug="c")
    found = [bundle.key for bundle in bundles() if bundle is not None]
    assert (len(found), len(set(found))) == (6, 2)


def test_a_step_runs_with_the_code_of_the_version_that_its_run_is_pinned_to() -> None:
    start_scripts()
    deploy(dev_environment(), define_script(), FILES | {"lib/x.ts": "export const x = 8;"})
    (bundle,) = bundles()
    assert bundle is not None
    assert bundle.files["lib/x.ts"] == b"export const x = 7;"


@pytest.mark.parametrize("size", [1, 10, 100])
def test_a_claim_fetches_all_code_that_is_missing_in_one_statement_and_later_ones_none(size: int) -> None:
    for number in range(3):
        deploy(dev_environment(), define_script(f"fn-{number}"), FILES | {"lib/x.ts": f"export const x = {number};"})
    append("e/x", count=size)
    consume_events()
    with statements() as seen:
        assert len(bundles()) == 3 * size
    assert len(code_statements(seen)) == 1, seen
    append("e/x", count=size)
    consume_events()
    worker = add_worker()
    with statements() as seen:
        items = queue.claim(CPU, worker, 1_000, 0)
        assert len(load(items, worker).work) == 3 * size
    # What a claim of http steps costs too; and once a second whether there are other secrets.
    assert len([one for one in seen if "secret_changes" not in one]) == 2, seen


def test_steps_whose_code_runs_elsewhere_fetch_none() -> None:
    deploy(dev_environment(), define(), FILES)
    append()
    consume_events()
    with statements() as seen:
        assert bundles() == [None]
    assert code_statements(seen) == []


def test_what_has_ended_fetches_none() -> None:
    start_scripts()
    execute("UPDATE state_run SET status = 'cancelled', ended_at = now()")
    with statements() as seen:
        assert bundles() == []
    assert code_statements(seen) == []


def test_code_outlives_the_database_and_the_disk_one_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the driver that runs it."""
    monkeypatch.setitem(registry._instances, "typescript", TypeScriptDriver())
    start_scripts()
    Drain(CPU).run()
    assert statuses() == {"completed": 1}

    spoilt = spoil(FILES["lib/x.ts"])
    start_anew()
    start_scripts()
    Drain(CPU).run()
    assert statuses() == {"completed": 2}

    shutil.rmtree(folder)
    start_scripts()
    Drain(CPU).run()
    assert statuses() == {"completed": 3}  # this process has it in memory

    start_anew()
    start_scripts()
    Drain(CPU).run()
    assert statuses() == {"completed": 3, "running": 1}
    reason = History.objects.get(kind="step.retrying").reason
    assert (
        f"lib/x.ts of version 1: its content, sha256 {spoilt}, is neither on this machine nor in the database" in reason
    )

    heal(spoilt, FILES["lib/x.ts"])
    execute("UPDATE state_scheduleditem SET due_at = now()")
    promote_due()
    Drain(CPU).run()
    assert statuses() == {"completed": 4}
    assert set(Step.objects.values_list("output", flat=True)) == {"7"}


def test_a_step_whose_code_is_nowhere_fails_in_the_end_and_alone(scripted: ScriptedDriver) -> None:
    start_scripts({"steps/a/index.ts": "lost"}, slug="bad")
    start_scripts(slug="good")
    spoil("lost")
    Drain(CPU).run()
    assert statuses() == {"completed": 1, "running": 2}
    for _ in range(UNLOADABLE_ATTEMPTS):
        execute("UPDATE state_scheduleditem SET due_at = now()")
        promote_due()
        Drain(CPU).run()
    assert statuses() == {"completed": 1, "failed": 2}
    assert left_over() == {}
    assert sum(scripted.calls.values()) == 1
    assert all("steps/a/index.ts" in (step.error or "") for step in Step.objects.filter(status="failed"))


def test_a_function_without_files_fails_in_its_driver_and_not_before() -> None:
    start_scripts({})
    (bundle,) = bundles()
    assert bundle is not None
    assert dict(bundle.files) == {}
