from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from apps.devserver.watching import changes, watched_folders

SECONDS = 10.0


@pytest.fixture
def noticed(tmp_path: Path) -> "Queue[None]":
    """One entry for each change that was noticed below `tmp_path`, where a function's folder is."""
    queue: Queue[None] = Queue()

    def watch() -> None:
        for change in changes(tmp_path):
            queue.put(change)

    (tmp_path / "function").mkdir()
    Thread(target=watch, daemon=True).start()  # it never ends, like the command that it serves
    queue.get(timeout=SECONDS)  # it has begun
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


def test_a_save_is_noticed_within_half_a_second_also_if_the_editor_writes_by_renaming(
    tmp_path: Path, noticed: "Queue[None]"
) -> None:
    _until(noticed, tmp_path / "function" / "first.ts")
    _quiet(noticed)
    for number in range(3):
        (tmp_path / "function" / ".index.ts.swp").write_text(f"// {number}")
        (tmp_path / "function" / ".index.ts.swp").rename(tmp_path / "function" / "index.ts")
        noticed.get(timeout=0.5)
        _quiet(noticed)


def test_many_saves_at_once_are_one_change_or_two(tmp_path: Path, noticed: "Queue[None]") -> None:
    _until(noticed, tmp_path / "function" / "first.ts")
    _quiet(noticed)
    for number in range(300):
        (tmp_path / "function" / f"{number}.ts").write_text("// x")
    noticed.get(timeout=SECONDS)
    assert _quiet(noticed) <= 1  # they may have taken longer than is waited for more


def test_the_root_may_go_and_come_again(tmp_path: Path, noticed: "Queue[None]") -> None:
    _until(noticed, tmp_path / "function" / "first.ts")
    _quiet(noticed)
    away = tmp_path.with_name(f"{tmp_path.name}-away")
    tmp_path.rename(away)
    noticed.get(timeout=SECONDS)
    _quiet(noticed)
    away.rename(tmp_path)
    noticed.get(timeout=SECONDS)
    _until(noticed, tmp_path / "function" / "index.ts")


def _quiet(noticed: "Queue[None]") -> int:
    """Waits until nothing is noticed any more; how much was."""
    count = 0
    while True:
        try:
            noticed.get(timeout=0.7)
        except Empty:
            return count
        count += 1


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
