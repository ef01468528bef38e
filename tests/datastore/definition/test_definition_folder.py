import os
import threading
from pathlib import Path

import pytest

from apps.datastore.definition import FolderLimits, InvalidDefinition, check_files, find_functions, read_files

DOCUMENT = '{"id": "a", "name": "A", "triggers": [{"event": "e"}]}'


@pytest.fixture
def function(tmp_path: Path) -> Path:
    folder = tmp_path / "function"
    write(folder / "inngest.json", DOCUMENT)
    write(folder / "index.ts", "export const run = () => 'é\\r\\n'")
    return folder


def write(file: Path, content: str | bytes = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def faults_of(folder: Path) -> dict[str, str]:
    with pytest.raises(InvalidDefinition) as caught:
        read_files(folder)
    assert all(fault.path == "" and fault.line is None for fault in caught.value.faults)
    return {fault.file: fault.message for fault in caught.value.faults}


def test_a_folder_is_its_files_to_the_byte_and_the_definition_is_one_of_them(function: Path) -> None:
    write(function / "steps/a/index.ts", "\ufefflet x\r\n")
    write(function / "logo.png", b"\x89PNG\xff\x00")
    write(function / "steps/main.wasm", b"\x00asm")
    assert read_files(function) == {
        "inngest.json": DOCUMENT.encode(),
        "index.ts": "export const run = () => 'é\\r\\n'".encode(),
        "steps/a/index.ts": b"\xef\xbb\xbflet x\r\n",
        "logo.png": b"\x89PNG\xff\x00",
        "steps/main.wasm": b"\x00asm",
    }


def test_secrets_dot_files_and_installed_packages_stay_on_the_machine(function: Path) -> None:
    for name in (".env", ".env.local", ".git/config", "node_modules/x/index.js", "a/node_modules/y.js", "a/.DS_Store"):
        write(function / name, b"\x00secret")
    assert set(read_files(function)) == {"inngest.json", "index.ts"}


def test_what_an_image_is_built_from_is_kept(function: Path) -> None:
    for name in ("steps/a/Dockerfile", "steps/a/.dockerignore", "steps/a/.env", ".dockerignore"):
        write(function / name, b"x")
    kept = set(read_files(function)) - {"inngest.json", "index.ts"}
    assert kept == {"steps/a/Dockerfile", "steps/a/.dockerignore", ".dockerignore"}
    assert kept < set(check_files(read_files(function)).files)


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert "No such file" in faults_of(tmp_path / "nowhere")[""]


def test_every_file_that_cannot_be_kept_is_named(function: Path) -> None:
    (function / "link.ts").symlink_to("/etc/passwd")
    os.mkfifo(function / "pipe")
    write(function / "steps/a.ts")
    (function / "steps/b.ts").symlink_to("a.ts")
    faults = faults_of(function)
    assert set(faults) == {"link.ts", "pipe", "steps/b.ts"}
    assert "symbolic link" in faults["link.ts"]


@pytest.mark.parametrize("name", [b"caf\xe9.ts", b"a\nb.ts"])
def test_a_file_whose_name_is_not_text_is_refused(function: Path, name: bytes) -> None:
    write(Path(os.fsdecode(os.fsencode(function) + b"/" + name)))
    ((file, message),) = faults_of(function).items()
    assert file.isascii()
    assert "broken Unicode" in message


def test_a_file_whose_path_is_too_long_is_refused(function: Path) -> None:
    write(function / "/".join(["x" * 200] * 3))
    assert "longer than 500 characters" in " ".join(faults_of(function).values())


def test_a_linked_folder_is_not_followed(function: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/secret.ts", "x")
    (function / "steps").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in faults_of(function)["steps"]


def test_a_folder_with_too_much_in_it_is_refused(function: Path) -> None:
    limits = FolderLimits(total_bytes=3 * 1024 * 1024)
    for n in range(4):
        write(function / f"{n}.bin", b"x" * 1024 * 1024)
    with pytest.raises(InvalidDefinition, match=r"3\.bin: makes the function larger than 3 MiB"):
        read_files(function, limits)
    assert len(read_files(function)) == 6


def test_a_folder_with_too_many_files_is_refused(function: Path) -> None:
    for n in range(999):
        write(function / f"{n}.txt")
    assert "the limit is 1000" in " ".join(faults_of(function).values())


def test_a_folder_that_goes_while_it_is_read_is_read_or_refused(tmp_path: Path) -> None:
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for n in range(20):
                write(tmp_path / f"function/{n}/index.ts", "x" * 1_000)
            (tmp_path / "function").rename(tmp_path / "gone")
            for n in range(20):
                (tmp_path / f"gone/{n}/index.ts").unlink()
                (tmp_path / f"gone/{n}").rmdir()
            (tmp_path / "gone").rmdir()

    mover = threading.Thread(target=come_and_go)
    mover.start()
    refused = 0
    try:
        for _ in range(200):
            try:
                read_files(tmp_path / "function")
            except InvalidDefinition:
                refused += 1
    finally:
        over.set()
        mover.join(30)
    assert refused


def test_functions_are_found_under_a_root(function: Path, tmp_path: Path) -> None:
    write(tmp_path / "b/c/inngest.yaml")
    write(tmp_path / "d/inngest.cue")
    write(tmp_path / "node_modules/x/inngest.json")
    write(tmp_path / ".hidden/inngest.json")
    write(function / "steps/inner/inngest.json")
    assert find_functions(tmp_path) == [tmp_path / "b/c", tmp_path / "d", function]
    assert find_functions(function) == [function]
    assert find_functions(tmp_path / "nowhere") == []


def test_the_examples_are_right() -> None:
    examples = Path(__file__).parents[3] / "examples"
    checked = [check_files(read_files(folder)) for folder in find_functions(examples)]
    assert {one.definition.id for one in checked} == {
        "abstract-nitty-a14c1d",
        "check-iban",
        "notify",
        "onboarding",
        "sales-report",
        "weekly-summary",
    }
