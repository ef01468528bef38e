import pytest

from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of, run, script_call


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
