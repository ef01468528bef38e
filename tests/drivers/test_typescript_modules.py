import pytest

from drivers import modules
from drivers.modules import Sources
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import bundle, error_of, run, script_call


@pytest.mark.parametrize(
    ("specifier", "file"),
    [
        ("./lib", "lib.ts"),
        ("./lib", "lib.js"),
        ("./lib", "lib/index.ts"),
        ("./lib.ts", "lib.ts"),
        ("./lib.js", "lib.js"),
        ("./lib.js", "lib.ts"),
        ("./lib.mjs", "lib.mts"),
        ("./a/../lib", "lib.tsx"),
        ("./lib.v2", "lib.v2.ts"),
    ],
)
def test_an_import_finds_its_file(typescript: TypeScriptDriver, specifier: str, file: str) -> None:
    files = {
        "index.ts": f"import {{ x }} from {specifier!r};\nexport const run = () => x;",
        file: "export const x = 7;",
    }
    assert run(typescript, script_call(files)).output == "7"


def test_an_import_may_leave_the_steps_folder_but_not_the_functions(typescript: TypeScriptDriver) -> None:
    files = {"steps/a/index.ts": 'export { run } from "../../lib/run";', "lib/run.ts": "export const run = () => 7;"}
    assert run(typescript, script_call(files, root="steps/a")).output == "7"
    files["steps/a/index.ts"] = 'export { run } from "../../../lib/run";'
    name, message = error_of(run(typescript, script_call(files, root="steps/a")))
    assert name == "ModuleOutsideFunction"
    assert "'../../../lib/run' in steps/a/index.ts" in message


def test_json_is_imported_as_its_value(typescript: TypeScriptDriver) -> None:
    files = {
        "index.ts": """import a from "./a.json";
                       import b from "./a.json" with { type: "json" };
                       export const run = () => [a, b];""",
        "a.json": '{"x": "\u2028\\u0000"}',
    }
    assert run(typescript, script_call(files)).output == '[{"x":"\u2028\\u0000"},{"x":"\u2028\\u0000"}]'


@pytest.mark.parametrize("file", ["lib.ts", "lib.js", "lib.json"])
def test_a_byte_order_mark_is_no_part_of_a_source(typescript: TypeScriptDriver, file: str) -> None:
    content = b'"\xc3\xa9"' if file.endswith(".json") else b'export default "\xc3\xa9";'
    source = f'import x from "./{file}"; export const run = () => x;'.encode()
    files = {"index.ts": b"\xef\xbb\xbf" + source, file: b"\xef\xbb\xbf" + content}
    assert run(typescript, script_call(files)).output == '"é"'


@pytest.mark.parametrize("file", ["lib.ts", "lib.js", "lib.json", "photo.png"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_import_that_is_no_text_is_told_with_its_line(typescript: TypeScriptDriver, file: str, mark: bytes) -> None:
    source = f'import x from "./{file}"; export const run = () => x;'
    files: dict[str, str | bytes] = {"index.ts": source, file: mark + b"// one\n// \xff\n"}
    outcome = run(typescript, script_call(files))
    message = f"{file} cannot be imported: it is no text in UTF-8 (byte 0xff in line 2)"
    assert error_of(outcome) == ("SyntaxError", message)
    assert not outcome.retryable


def test_an_entrypoint_that_is_no_text_is_told(typescript: TypeScriptDriver) -> None:
    outcome = run(typescript, script_call(b"\xff\xfee\0x\0"))
    assert error_of(outcome)[1] == "index.ts cannot be imported: it is no text in UTF-8 (byte 0xff in line 1)"


def test_files_that_nothing_imports_may_hold_anything(typescript: TypeScriptDriver) -> None:
    files: dict[str, str | bytes] = {"index.ts": "export const run = () => 1;", "a.wasm": b"\0asm\xff"}
    assert run(typescript, script_call(files)).output == "1"


def test_bundles_of_the_same_files_share_what_was_made_of_them() -> None:
    sources, stripped = Sources(), list[str]()

    def strip(path: str, source: str) -> str:
        stripped.append(path)
        return source

    files = {"index.ts": "export const run = () => 1;"}
    for root in ("", "steps/a"):
        sources.javascript(bundle(files, root), "index.ts", strip)
    assert stripped == ["index.ts"]
    sources.javascript(bundle(files | {"b.ts": ""}), "index.ts", strip)
    assert stripped == ["index.ts", "index.ts"]


def test_what_a_process_keeps_of_sources_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "KEPT_BYTES", 10_000)
    sources = Sources()
    for number in range(20):
        sources.javascript(bundle({"index.js": f"//{number}" + "x" * 2_000}), "index.js", lambda _, source: source)
    assert len(sources._kept) == 4


def test_imports_of_types_need_no_file(typescript: TypeScriptDriver) -> None:
    source = 'import type { A } from "./none"; import { type B } from "./none"; export const run = (x: A | B) => 1;'
    assert run(typescript, script_call(source)).output == "1"


def test_modules_may_import_each_other(typescript: TypeScriptDriver) -> None:
    files = {
        "index.ts": 'import { b } from "./b"; export const a = 1; export const run = () => b();',
        "b.ts": 'import { a } from "./index"; export const b = () => a + 1;',
    }
    assert run(typescript, script_call(files)).output == "2"


@pytest.mark.parametrize("specifier", ["lodash", "node:fs", "fs", "/etc/passwd", "https://example.com/x.js", "inngest"])
def test_packages_are_refused_by_name(typescript: TypeScriptDriver, specifier: str) -> None:
    outcome = run(typescript, script_call(f"import x from {specifier!r}; export const run = () => x;"))
    name, message = error_of(outcome)
    assert name == "ModuleNotFound"
    assert f"cannot import '{specifier}' in index.ts: a function imports its own files only" in message
    assert not outcome.retryable


def test_a_missing_file_is_named_with_its_importer(typescript: TypeScriptDriver) -> None:
    files = {"index.ts": 'export { run } from "./a";', "a.ts": 'export { run } from "./b";'}
    outcome = run(typescript, script_call(files))
    assert error_of(outcome) == ("ModuleNotFound", "cannot find './b', imported in a.ts")


def test_a_missing_dynamic_import_can_be_caught(typescript: TypeScriptDriver) -> None:
    source = 'export const run = () => import("./none").catch(() => "caught");'
    assert run(typescript, script_call(source)).output == '"caught"'


def test_a_source_that_does_not_parse_is_named(typescript: TypeScriptDriver) -> None:
    files = {"index.ts": 'export { run } from "./lib";', "lib.ts": "export const run = ( => 1;"}
    outcome = run(typescript, script_call(files))
    name, message = error_of(outcome)
    assert name == "SyntaxError"
    assert "lib.ts" in message
    assert not outcome.retryable


def test_an_entrypoint_can_be_named(typescript: TypeScriptDriver) -> None:
    files = {"steps/a/main.ts": "export const run = () => 1;", "steps/a/index.ts": "export const run = () => 2;"}
    assert run(typescript, script_call(files, root="steps/a", entrypoint="main.ts")).output == "1"
    assert run(typescript, script_call(files, root="steps/a")).output == "2"


@pytest.mark.parametrize("entrypoint", ["none.ts", "../../../x.ts", "/etc/passwd"])
def test_an_entrypoint_that_is_not_there_is_told(typescript: TypeScriptDriver, entrypoint: str) -> None:
    outcome = run(typescript, script_call("export const run = () => 1;", root="steps/a", entrypoint=entrypoint))
    assert error_of(outcome)[0] in ("ModuleNotFound", "ModuleOutsideFunction")
    assert not outcome.retryable


def test_typescripts_own_constructs_run(typescript: TypeScriptDriver) -> None:
    source = """
      enum Level { Low = 1, High }
      namespace Names { export const of = (level: Level): string => Level[level]!; }
      class Box<T> { constructor(private readonly value: T) {} get(): T { return this.value } }
      abstract class Base { declare x: number; abstract name(): string }
      const one = <any>1 satisfies number;
      export const run = () => [Level.High, Names.of(Level.Low), new Box("b").get(), one, Base.name];
    """
    assert run(typescript, script_call(source)).output == '[2,"Low","b",1,"Base"]'
