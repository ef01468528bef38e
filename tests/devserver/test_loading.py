import json
from pathlib import Path

import pytest

from apps.datastore.models import Environment, Function
from apps.datastore.registering import register
from apps.datastore.sdk_app import parse_registration
from apps.devserver.loading import load_folder
from tests.devserver.registrations import registration

pytestmark = pytest.mark.django_db

INDEX = "export default async function run() { return 1 }"


def declare(folder: Path, slug: str) -> None:
    folder.mkdir(parents=True)
    (folder / "inngest.json").write_text(json.dumps({"id": slug, "name": slug, "triggers": [{"event": "a/b"}]}))
    (folder / "index.ts").write_text(INDEX)


def test_a_function_that_an_app_registered_is_not_taken_down(tmp_path: Path) -> None:
    register(Environment.objects.get(slug="dev"), parse_registration(registration("http://localhost:3000/api/inngest")))
    declare(tmp_path / "declared", "declared")
    assert load_folder(tmp_path).removed == []
    (tmp_path / "declared" / "inngest.json").unlink()
    assert load_folder(tmp_path).removed == ["declared"]
    assert Function.objects.get(slug="shop-order").live_version is not None


def test_functions_are_not_looked_for_in_what_is_installed(tmp_path: Path) -> None:
    declare(tmp_path / "app" / "node_modules" / "package", "installed")
    assert load_folder(tmp_path).live == []
