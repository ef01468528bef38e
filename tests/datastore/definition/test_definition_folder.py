import os
from pathlib import Path

import pytest

from apps.datastore.definition import InvalidDefinition, find_functions, parse, read_folder

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
        read_folder(folder)
    return {fault.path: fault.message for fault in caught.value.faults}


def test_a_folder_is_its_document_and_its_source_files(function: Path) -> None:
    write(function / "steps/a/index.ts", "let x\r\n")
    content = read_folder(function)
    assert content.document == {"id": "a", "name": "A", "triggers": [{"event": "e"}]}
    assert content.files == {"index.ts": "export const run = () => 'é\\r\\n'", "steps/a/index.ts": "let x\r\n"}
    assert parse(*content).id == "a"


def test_secrets_dot_files_and_installed_packages_stay_on_the_machine(function: Path) -> None:
    for name in (".env", ".env.local", ".git/config", "node_modules/x/index.js", "a/node_modules/y.js", "a/.DS_Store"):
        write(function / name, b"\x00secret")
    assert set(read_folder(function).files) == {"index.ts"}


@pytest.mark.parametrize("name", ["inngest.yaml", "inngest.cue"])
def test_a_folder_may_hold_yaml_instead(function: Path, name: str) -> None:
    (function / "inngest.json").unlink()
    write(function / name, "id: a")
    if name == "inngest.cue":
        assert "cue export" in faults_of(function)["$"]
    else:
        assert read_folder(function).document == {"id": "a"}


def test_json_beside_the_cue_that_it_was_made_from_is_read(function: Path) -> None:
    write(function / "inngest.cue", "x")
    assert set(read_folder(function).files) == {"index.ts"}


def test_two_definitions_are_a_fault(function: Path) -> None:
    write(function / "inngest.yaml", "id: b")
    assert "both inngest.json and inngest.yaml" in faults_of(function)["$"]


def test_no_definition_is_a_fault(tmp_path: Path) -> None:
    assert "no inngest.json or inngest.yaml" in faults_of(tmp_path)["$"]
    assert "no inngest.json" in faults_of(tmp_path / "nowhere")["$"]


def test_every_file_that_cannot_be_kept_is_named_together_with_the_document_s_fault(function: Path) -> None:
    write(function / "inngest.json", "{")
    write(function / "logo.png", b"\x89PNG\xff")
    write(function / "steps/nul.ts", b"a\x00b")
    write(function / "big.txt", b"x" * (1024 * 1024 + 1))
    write(function / "main.wasm", b"\x00asm")
    (function / "link.ts").symlink_to("/etc/passwd")
    os.mkfifo(function / "pipe")
    faults = faults_of(function)
    assert set(faults) == {"$", "logo.png", "steps/nul.ts", "big.txt", "main.wasm", "link.ts", "pipe"}
    assert "not yet supported" in faults["main.wasm"]
    assert "symbolic link" in faults["link.ts"]


@pytest.mark.parametrize("name", [b"caf\xe9.ts", b"a\nb.ts"])
def test_a_file_whose_name_is_not_text_is_refused(function: Path, name: bytes) -> None:
    write(Path(os.fsdecode(os.fsencode(function) + b"/" + name)))
    ((path, message),) = faults_of(function).items()
    assert path.isascii()
    assert "broken Unicode" in message


def test_a_linked_folder_is_not_followed(function: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/secret.ts", "x")
    (function / "steps").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in faults_of(function)["steps"]


def test_a_folder_with_too_much_in_it_is_refused(function: Path) -> None:
    for n in range(9):
        write(function / f"{n}.txt", b"x" * 1024 * 1024)
    assert "larger than 8 MiB" in " ".join(faults_of(function).values())


def test_a_folder_with_too_many_files_is_refused(function: Path) -> None:
    for n in range(1_001):
        write(function / f"{n}.txt")
    assert "the limit is 1000" in " ".join(faults_of(function).values())


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
    definitions = [parse(*read_folder(folder)) for folder in find_functions(examples)]
    assert {definition.id for definition in definitions} == {
        "abstract-nitty-a14c1d",
        "notify",
        "onboarding",
        "weekly-summary",
    }
