"""Code on a machine's disk: whatever befalls the folder, what is read is right and nothing raises."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from apps.datastore.code_files import CodeFiles
from tests.ordinary_user import as_ordinary_user, full_disk

CONTENT = b"export const run = () => 1;\n" * 300
DIGEST = hashlib.sha256(CONTENT).hexdigest()
MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir(mode=0o700)
    return tmp_path / "code"


@pytest.fixture
def files(folder: Path) -> CodeFiles:
    return CodeFiles(folder, lambda: 64 * MIB)


def place(folder: Path, digest: str = DIGEST) -> Path:
    return folder / digest[:2] / digest


def written(files: CodeFiles, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    files.write(digest, content)
    return digest


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


@pytest.mark.parametrize("content", [CONTENT, b"", b"\0\xff"])
def test_what_was_written_is_read_by_another_process_too(folder: Path, content: bytes) -> None:
    digest = written(CodeFiles(folder, lambda: MIB), content)
    assert CodeFiles(folder, lambda: MIB).read(digest, len(content)) == content


@pytest.mark.parametrize("name", [DIGEST, "theirs", "../theirs", "", "\0", DIGEST.upper()])
def test_what_was_not_written_is_not_there_nor_what_is_no_digest(folder: Path, files: CodeFiles, name: str) -> None:
    theirs = folder.parent / "theirs"
    theirs.write_text("theirs")
    assert files.read(name, 6) is None
    assert files.read(str(theirs), 6) is None
    assert theirs.read_text() == "theirs"


def test_nobody_else_can_read_it(folder: Path, files: CodeFiles) -> None:
    files.write(DIGEST, CONTENT)
    assert stat.S_IMODE(place(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(place(folder).parent.stat().st_mode) == 0o700


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def enlarge(path: Path) -> None:
    os.truncate(path, 10**12)  # sparse: reading it all would end the process


def put_a_folder(path: Path) -> None:
    path.unlink()
    (path / "deep").mkdir(parents=True)
    (path / "deep" / "file").touch()


def put_a_link(path: Path) -> None:
    elsewhere = path.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def put_a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_unreadable(path: Path) -> None:
    path.chmod(0)


HARMS = (flip_a_bit, truncate, empty, enlarge, make_unreadable)
OTHERS = (put_a_folder, put_a_link, put_a_link_to_nothing, put_a_pipe)


@pytest.mark.parametrize("harm", HARMS + OTHERS)
def test_what_is_not_as_it_was_written_is_removed_told_once_and_kept_anew(
    folder: Path, files: CodeFiles, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    files.write(DIGEST, CONTENT)
    harm(place(folder))
    assert as_ordinary_user(lambda: files.read(DIGEST, len(CONTENT))) is None
    assert not os.path.lexists(place(folder))
    (told,) = caplog.messages
    assert str(place(folder)) in told
    assert files.read(DIGEST, len(CONTENT)) is None
    assert len(caplog.messages) == 1
    files.write(DIGEST, CONTENT)
    assert files.read(DIGEST, len(CONTENT)) == CONTENT


def test_what_a_link_leads_to_is_left_alone(folder: Path, files: CodeFiles, tmp_path: Path) -> None:
    files.write(DIGEST, CONTENT)
    place(folder).unlink()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("theirs")
    place(folder).symlink_to(tmp_path / "theirs")
    assert files.read(DIGEST, len(CONTENT)) is None
    assert (tmp_path / "theirs" / "file").read_text() == "theirs"


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    folder: Path, files: CodeFiles, caplog: pytest.LogCaptureFixture
) -> None:
    files.write(DIGEST, CONTENT)
    place(folder).parent.chmod(0o500)
    folder.chmod(0o500)

    def use() -> bytes | None:
        for number in range(5):
            assert files.read(written(files, f"{number}".encode()), 1) is None
        return files.read(DIGEST, len(CONTENT))

    assert as_ordinary_user(use) == CONTENT
    assert len(caplog.messages) == 1
    flip_a_bit(place(folder))
    assert as_ordinary_user(lambda: files.read(DIGEST, len(CONTENT))) is None


def test_a_full_disk_is_told_once_and_leaves_nothing_half_written(
    folder: Path, files: CodeFiles, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk(room=1_000):
        for number in range(5):
            written(files, CONTENT + bytes([number]))
    assert all_files(folder) == []
    assert len(caplog.messages) == 1
    files.write(DIGEST, CONTENT)
    assert files.read(DIGEST, len(CONTENT)) == CONTENT


def test_a_folder_that_someone_removed_is_made_again(folder: Path, files: CodeFiles) -> None:
    files.write(DIGEST, CONTENT)
    shutil.rmtree(folder)
    assert files.read(DIGEST, len(CONTENT)) is None
    files.write(DIGEST, CONTENT)
    assert files.read(DIGEST, len(CONTENT)) == CONTENT


def test_a_file_where_a_folder_should_be_harms_nobody(folder: Path, files: CodeFiles) -> None:
    place(folder).parent.write_text("in the way")
    assert files.read(DIGEST, len(CONTENT)) is None
    files.write(DIGEST, CONTENT)
    assert files.read(DIGEST, len(CONTENT)) is None


def test_the_least_recently_used_go_first(folder: Path) -> None:
    files = CodeFiles(folder, lambda: 64 * 4096)
    digests = [written(files, f"{number:02}".encode()) for number in range(40)]
    for age, digest in enumerate(reversed(digests)):
        os.utime(place(folder, digest), (0, 1_000_000_000 - age))
    assert files.read(digests[0], 2) == b"00"  # the oldest but for this use
    for number in range(40, 70):
        written(files, f"{number:02}".encode())
    kept = [number for number, digest in enumerate(digests) if place(folder, digest).exists()]
    assert kept[0] == 0
    assert kept[1:] == list(range(40 - len(kept) + 1, 40))
    assert 40 - len(kept) in range(6, 20)


def test_it_stays_within_its_bound_by_what_files_take_of_a_disk(folder: Path) -> None:
    files = CodeFiles(folder, lambda: MIB)
    for number in range(1_000):
        written(files, f"{number}".encode())
        assert number % 50 or len(all_files(folder)) <= 256
    assert 200 <= len(all_files(folder)) <= 256


def test_the_folder_is_not_walked_at_each_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = CodeFiles(folder, lambda: 8 * 100 * 4096)
    walks = Mock(wraps=files._sweep)
    monkeypatch.setattr(files, "_sweep", walks)
    for number in range(501):
        written(files, f"{number}".encode())
    assert walks.call_count == 6


def test_what_would_push_out_the_rest_is_not_kept(folder: Path) -> None:
    files = CodeFiles(folder, lambda: MIB)
    files.write(DIGEST, CONTENT)
    large = b"x" * (MIB // 8 + 1)
    assert files.read(written(files, large), len(large)) is None
    assert files.read(DIGEST, len(CONTENT)) == CONTENT


def test_what_a_process_finds_over_the_bound_goes_with_its_first_write(folder: Path) -> None:
    before = CodeFiles(folder, lambda: 64 * MIB)
    for number in range(200):
        written(before, f"{number}".encode())
    written(CodeFiles(folder, lambda: 100 * 4096), b"one more")
    assert len(all_files(folder)) <= 100


WRITER = """
import sys
from pathlib import Path
from apps.datastore import code_files
files = code_files.CodeFiles(Path(sys.argv[1]), lambda: 1 << 30)
for number in range(int(sys.argv[2])):
    content = (b"%d" % number) * 2_000
    digest = code_files.hashlib.sha256(content).hexdigest()
    if files.read(digest, len(content)) is None:
        files.write(digest, content)
    assert files.read(digest, len(content)) == content
print("done", flush=True)
"""


def test_processes_fill_it_at_once(folder: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(folder), "300"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    told = [process.communicate(timeout=60) for process in processes]
    assert told == [(b"done\n", b"")] * 3
    assert len(all_files(folder)) == 300


def test_threads_that_evict_each_others_files_read_right_or_nothing(folder: Path) -> None:
    wrong: list[bytes] = []

    def work(seed: int) -> None:
        files = CodeFiles(folder, lambda: 16 * 4096)
        for number in range(300):
            content = f"{(number * seed) % 40}".encode()
            read = files.read(written(files, content), len(content))
            if read not in (None, content):
                wrong.append(content)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


KILLED = """
import os, signal, sys
from pathlib import Path
from apps.datastore import code_files
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
code_files.CodeFiles(Path(sys.argv[1]), lambda: 1 << 30).write(sys.argv[2], b"half of it")
"""


def test_what_a_killed_writer_leaves_is_not_taken_for_whole_and_goes_in_time(folder: Path, files: CodeFiles) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder), DIGEST], check=False)
    assert ended.returncode == -9
    (left,) = all_files(folder)
    assert files.read(DIGEST, len(CONTENT)) is None
    files.write(DIGEST, CONTENT)
    assert left.exists()  # for all we know, its writer is at work
    os.utime(left, (0, left.stat().st_mtime - 7_200))
    CodeFiles(folder, lambda: MIB).write(DIGEST, CONTENT)
    assert all_files(folder) == [place(folder)]
    assert files.read(DIGEST, len(CONTENT)) == CONTENT
