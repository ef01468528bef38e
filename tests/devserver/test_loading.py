import json
import shutil
import threading
from pathlib import Path

import pytest

from apps.datastore.models import Deploy, Environment, Function
from apps.datastore.registering import register
from apps.datastore.sdk_app import parse_registration
from apps.devserver.loading import Loader, load_folder
from tests.devserver.registrations import registration
from tests.functions import define, deploy, dev_environment

pytestmark = pytest.mark.django_db

INDEX = "export default async function run() { return 1 }"


def declare(folder: Path, slug: str, **more: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = {"id": slug, "name": slug, "triggers": [{"event": "a/b"}], **more}
    (folder / "inngest.json").write_text(json.dumps(document, indent=2))
    (folder / "index.ts").write_text(INDEX)


def live(slug: str) -> int | None:
    function = Function.objects.select_related("live_version").get(slug=slug)
    return function.live_version.number if function.live_version else None


def test_all_functions_of_a_folder_are_loaded_in_one_deploy(tmp_path: Path) -> None:
    for slug in ("a", "b", "c"):
        declare(tmp_path / slug, slug)
    assert load_folder(tmp_path).live == ["a v1", "b v1", "c v1"]
    (deploy,) = Deploy.objects.all()
    assert (deploy.kind, deploy.actor) == ("load", "dev server")


def test_a_folder_that_did_not_change_is_no_new_deploy(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a")
    loader = Loader(tmp_path)
    assert loader.load().changes() == ["loaded a v1"]
    again = loader.load()
    assert (again.live, again.changes()) == (["a v1"], [])
    assert Deploy.objects.count() == 1


def test_what_was_deployed_over_the_api_is_not_taken_down(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a")
    deploy(dev_environment(), define(slug="b"))
    assert load_folder(tmp_path).removed == []
    shutil.rmtree(tmp_path / "a")
    assert load_folder(tmp_path).removed == ["a"]
    assert (live("a"), live("b")) == (None, 1)


def test_a_function_that_an_app_registered_is_not_taken_down(tmp_path: Path) -> None:
    register(Environment.objects.get(slug="dev"), parse_registration(registration("http://localhost:3000/api/inngest")))
    declare(tmp_path / "declared", "declared")
    assert load_folder(tmp_path).removed == []
    (tmp_path / "declared" / "inngest.json").unlink()
    assert load_folder(tmp_path).removed == ["declared"]
    assert Function.objects.get(slug="shop-order").live_version is not None


def test_an_id_that_an_app_has_registered_is_refused_at_its_line_and_the_others_are_loaded(tmp_path: Path) -> None:
    register(Environment.objects.get(slug="dev"), parse_registration(registration("http://localhost:3000/api/inngest")))
    declare(tmp_path / "a", "shop-order")
    declare(tmp_path / "b", "b")
    loaded = load_folder(tmp_path)
    assert loaded.live == ["b v1"]
    (fault,) = loaded.faults
    assert fault.startswith(f"{tmp_path}/a/inngest.json:2: $.id: an app has registered")


def test_an_id_that_two_folders_have_is_the_first_one_s(tmp_path: Path) -> None:
    declare(tmp_path / "a", "same")
    declare(tmp_path / "b", "same", name="another")
    loaded = load_folder(tmp_path)
    assert loaded.live == ["same v1"]
    assert loaded.faults == [f"{tmp_path}/b/inngest.json:2: $.id: 'same' is taken by {tmp_path}/a"]


def test_functions_are_not_looked_for_in_what_is_installed(tmp_path: Path) -> None:
    declare(tmp_path / "app" / "node_modules" / "package", "installed")
    assert load_folder(tmp_path).live == []


def test_a_broken_function_keeps_its_live_version_and_the_others_go_on(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a")
    declare(tmp_path / "b", "b")
    loader = Loader(tmp_path)
    loader.load()
    (tmp_path / "a" / "index.ts").write_text("export default (\n")
    declare(tmp_path / "b", "b", name="new")
    loaded = loader.load()
    assert loaded.live == ["b v2"]
    (fault,) = loaded.faults
    assert fault.startswith(f"{tmp_path}/a/index.ts:2: ")
    assert (live("a"), live("b")) == (1, 2)


def test_a_fault_is_told_once_until_its_function_changes(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a", nam="x")
    declare(tmp_path / "b", "b")
    loader = Loader(tmp_path)
    (told, *_) = [line for line in loader.load().changes() if line.startswith("not loaded")]
    assert told.startswith(f"not loaded: {tmp_path}/a/inngest.json:9: $.nam: unknown field")
    declare(tmp_path / "b", "b", name="new")
    assert loader.load().changes() == ["loaded b v2"]
    (tmp_path / "a" / "index.ts").write_text(INDEX + "\n")
    assert loader.load().changes() == [told]


def test_a_function_that_is_well_again_is_told_also_if_it_is_what_it_was(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a")
    loader = Loader(tmp_path)
    loader.load()
    (tmp_path / "a" / "inngest.json").write_text("{")
    assert loader.load().faults
    declare(tmp_path / "a", "a")
    assert loader.load().changes() == ["loaded a v1"]


def test_a_broken_function_that_was_loaded_before_does_not_keep_others_up(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a")
    declare(tmp_path / "b", "b")
    load_folder(tmp_path)
    (tmp_path / "a" / "inngest.json").write_text("{")
    (tmp_path / "b" / "inngest.json").unlink()
    assert load_folder(tmp_path).removed == ["b"]
    assert (live("a"), live("b")) == (1, None)


def test_with_a_broken_function_about_that_may_be_any_nothing_is_taken_down(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a")
    load_folder(tmp_path)
    (tmp_path / "a").rename(tmp_path / "renamed")
    (tmp_path / "renamed" / "inngest.json").write_text("{")
    loaded = load_folder(tmp_path)
    assert (loaded.removed, len(loaded.faults)) == ([], 1)
    assert live("a") == 1


def test_with_the_folder_itself_away_nothing_is_taken_down(tmp_path: Path) -> None:
    declare(tmp_path / "root" / "a", "a")
    loader = Loader(tmp_path / "root")
    loader.load()
    (tmp_path / "root").rename(tmp_path / "away")
    assert loader.load().changes() == [f"not loaded: there is no folder {tmp_path}/root"]
    assert loader.load().changes() == []
    assert live("a") == 1
    (tmp_path / "away").rename(tmp_path / "root")
    assert loader.load().changes() == ["loaded a v1"]
    assert loader.load().changes() == []


def test_a_broken_function_that_is_deleted_is_told(tmp_path: Path) -> None:
    declare(tmp_path / "a", "a", nam="x")
    declare(tmp_path / "b", "b")
    loader = Loader(tmp_path)
    loader.load()
    shutil.rmtree(tmp_path / "a")
    assert loader.load().changes() == [f"gone: {tmp_path}/a, which could not be loaded"]
    assert loader.load().changes() == []
    (tmp_path / "b" / "inngest.json").write_text("{")
    loader.load()
    shutil.rmtree(tmp_path / "b")
    assert loader.load().changes() == ["took b down: no folder declares it any more"]


def test_folders_that_come_and_go_while_they_are_read_stop_nothing(tmp_path: Path) -> None:
    root, over = tmp_path / "root", threading.Event()
    declare(root / "a", "a")

    def come_and_go() -> None:
        while not over.is_set():
            for slug in ("b", "c"):
                declare(root / slug, slug)
            root.rename(tmp_path / "away")
            shutil.rmtree(tmp_path / "away" / "b")
            (tmp_path / "away").rename(root)
            shutil.rmtree(root / "c")

    mover = threading.Thread(target=come_and_go)
    mover.start()
    loader = Loader(root)
    try:
        for _ in range(40):
            loader.load()
    finally:
        over.set()
        mover.join(30)
    assert loader.load().live == ["a v1"]
    assert live("a") == 1
