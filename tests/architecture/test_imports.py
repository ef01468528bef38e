"""What the import contract cannot see by itself."""

import re
import tomllib
from pathlib import Path

from django.apps import apps
from django.db.models import ForeignKey

ROOT = Path(__file__).resolve().parent.parent.parent
LAYERS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
    "layers"
]
RANK = {name: rank for rank, layer in enumerate(reversed(LAYERS)) for name in re.findall(r"\w+", layer)}


def test_every_package_has_its_place_in_the_contract() -> None:
    packages = {path.parent.name for path in (ROOT / "apps").glob("*/__init__.py")}
    assert packages <= set(RANK)


def test_no_foreign_key_points_up_or_sideways() -> None:
    """A reference by name escapes import-linter."""
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and not isinstance(field.related_model, str)
        # What others have made lies below all that is ours.
        if field.related_model.__module__.startswith("apps.")
        if not _may_point(model._meta.app_label, field.related_model._meta.app_label)
    ]
    assert not wrong


def _may_point(source: str, target: str) -> bool:
    return source == target or RANK[target] < RANK[source]


def test_work_is_claimed_in_few_places() -> None:
    claiming = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "apps").rglob("*.py")
        if re.search("skip.locked", path.read_text(), re.IGNORECASE)
    }
    assert claiming == {
        "apps/datastore/cron_triggers.py",
        "apps/event_stream/consuming.py",
        "apps/state/probes.py",
        "apps/state/queue.py",
        "apps/state/scheduling.py",
        "apps/state/wide_events.py",
        "apps/state/workers.py",
    }


def test_a_runs_status_changes_in_one_module() -> None:
    writes = re.compile(r"UPDATE state_run\b|\brun\.status\s*=[^=]|Run\.objects\.\w*update", re.IGNORECASE)
    writing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "apps").rglob("*.py")
        if "migrations" not in path.parts and writes.search(path.read_text())
    }
    assert writing == {"apps/state/transitions.py"}


def test_live_pointers_move_in_one_module() -> None:
    """Every move must leave a release behind it, or a rollback would go to the wrong place."""
    moves = re.compile(r"\blive_version\s*=[^=]|Release\.objects\.\w*create|bulk_update\([^)]*live_version")
    moving = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "apps").rglob("*.py")
        if "migrations" not in path.parts and moves.search(path.read_text())
    }
    assert moving == {"apps/datastore/going_live.py", "apps/datastore/models.py"}


def test_no_file_does_two_jobs() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("apps", "drivers", "inngest_server", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert not long
