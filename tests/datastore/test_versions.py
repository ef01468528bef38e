"""What a process keeps of versions: each is read once, without its code, and what is kept is bounded."""

from collections.abc import Iterator

import msgspec
import pytest

from apps.datastore import versions
from apps.datastore.manifest import manifest_of
from apps.datastore.models import FunctionVersion
from apps.datastore.versions import load_version, load_versions
from tests.functions import define, deploy, dev_environment
from tests.state.counting import statements
from tests.state.items import execute

pytestmark = pytest.mark.django_db

FILES = {"index.ts": b"export {}", "data/a.bin": b"\0\xff"}


@pytest.fixture(autouse=True)
def none_kept() -> Iterator[None]:
    versions._kept.clear()
    yield
    versions._kept.clear()


def deployed(slug: str = "fn") -> int:
    return deploy(dev_environment(), define(slug=slug), FILES).version.pk


def test_a_version_has_its_definition_and_a_list_of_its_files_without_their_content() -> None:
    version_id = deployed()
    with statements() as seen:
        version = load_version(version_id)
        load_version(version_id)
    assert len(seen) == 1
    assert "blob" not in seen[0]
    assert (version.id, version.number, version.environment, version.folder) == (version_id, 1, "dev", "")
    assert version.definition == define()
    assert version.manifest == manifest_of(FILES)


@pytest.mark.parametrize("count", [2, 100])
def test_any_number_of_versions_is_read_in_one_statement(count: int) -> None:
    ids = [deployed(f"fn-{number}") for number in range(count)]
    with statements() as seen:
        load_versions(ids)
        for version_id in ids:
            load_version(version_id)
        load_versions(ids)
    assert len(seen) == 1


def test_one_that_cannot_be_read_keeps_no_other_from_being_read() -> None:
    good, bad, gone = deployed("good"), deployed("bad"), 0
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE datastore_functionversion DISABLE TRIGGER version_is_immutable")
    execute("UPDATE datastore_functionversion SET manifest = '[' WHERE id = %s", (bad,))
    load_versions([bad, good, gone])
    with statements() as seen:
        assert load_version(good).definition.id == "good"
    assert seen == []
    with pytest.raises(msgspec.DecodeError):
        load_version(bad)
    with pytest.raises(FunctionVersion.DoesNotExist):
        load_version(gone)


def test_what_is_kept_is_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "KEPT", 3)
    ids = [deployed(f"fn-{number}") for number in range(5)]
    for version_id in ids:
        load_version(version_id)
    assert [version_id in versions._kept for version_id in ids] == [False, False, True, True, True]
    with statements() as seen:
        assert load_version(ids[0]).definition.id == "fn-0"
    assert len(seen) == 1


def test_what_is_kept_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [deployed(f"fn-{number}") for number in range(20)]
    row = FunctionVersion.objects.get(pk=ids[0])
    monkeypatch.setattr(versions, "KEPT_BYTES", 5 * (len(row.definition) + len(row.manifest)))
    load_versions(ids)
    assert len(versions._kept) in (3, 4, 5)
    assert [load_version(version_id).definition.id for version_id in ids] == [f"fn-{number}" for number in range(20)]
