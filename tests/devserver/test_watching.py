from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from apps.devserver.watching import changes, watched_folders

SECONDS = 10.0


@pytest.fixture
def noticed(tmp_path: Path) -> "Queue[None]":
    """One entry for each change that was noticed below `tmp_path`."""
    queue: Queue[None] = Queue()

    def watch() -> None:
        for change in changes(tmp_path):
            queue.put(change)

    (tmp_path / "function").mkdir()
    Thread(target=watch, daemon=True).start()  # it never ends, like the command that it serves
    return queue


def test_what_is_installed_beside_functions_is_not_watched(tmp_path: Path) -> None:
    for folder in ("app/node_modules/inngest/components", "app/src", ".venv/lib", "app/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
    assert watched_folders(tmp_path) == [tmp_path, tmp_path / "app", tmp_path / "app/src"]


def test_a_changed_file_is_noticed(tmp_path: Path, noticed: "Queue[None]") -> None:
    _until(noticed, tmp_path / "function" / "index.ts")


def test_files_of_a_folder_that_came_later_are_noticed(tmp_path: Path, noticed: "Queue[None]") -> None:
    _until(noticed, tmp_path / "first.ts")
    later = tmp_path / "later" / "steps"
    later.mkdir(parents=True)
    noticed.get(timeout=SECONDS)
    _until(noticed, later / "index.ts")


def test_a_folder_that_goes_is_no_fault(tmp_path: Path, noticed: "Queue[None]") -> None:
    _until(noticed, tmp_path / "first.ts")
    (tmp_path / "function").rename(tmp_path / "renamed")
    noticed.get(timeout=SECONDS)
    _until(noticed, tmp_path / "renamed" / "index.ts")


def _until(noticed: "Queue[None]", file: Path) -> None:
    """Writes the file until that is noticed: when the watch begins is not known."""
    for number in range(int(SECONDS)):
        file.write_text(f"// {number}")
        try:
            noticed.get(timeout=1.0)
        except Empty:
            continue
        return
    pytest.fail(f"no change of {file} was noticed within {SECONDS:.0f} s")
