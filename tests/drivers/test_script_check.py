import math
import random
import threading
import time
from typing import Any

import pytest

from drivers import script_check
from drivers.contract import Abort, Bundle, Call
from drivers.json_syntax import json_problem
from drivers.script_check import ScriptFault, check_scripts
from drivers.script_compiling import TooLong, workshop
from drivers.script_imports import line_of_import
from drivers.typescript import TypeScriptDriver


def check(index: str | bytes, name: str = "index.ts", seconds: float = 60.0, **files: str | bytes) -> list[ScriptFault]:
    """The faults of this entrypoint; the other files are named with "_" for "." and "__" for "/"."""
    whole = {name: index, **{other.replace("__", "/").replace("_", "."): text for other, text in files.items()}}
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in whole.items()}
    return check_scripts(contents, [name], seconds)


def only(faults: list[ScriptFault]) -> ScriptFault:
    (fault,) = faults
    return fault


RIGHT = [
    "export const run = (a: number): string => `${a}`;",
    "enum Colour { Red }\nnamespace N { export const a = 1 }\nexport default () => N.a + Colour.Red;",
    "class A { constructor(private readonly a: number) {} static { A } #b = 1 }\n"
    "export default <T,>(a: T) => a satisfies T;",
    "export default async () => { for await (const a of []) { using(a) } };\nfunction using(a: unknown) {}",
    "await Promise.resolve();\nexport const run = () => 1_000n ** 2n;",
    "",
    "// only words",
    "\ufeffexport default 1",
]


SOURCES = [
    *RIGHT,
    "#!/usr/bin/env node\nexport default () => 1",
    "let console = 1, process = 2, globalThis = 3; export default () => console",
    "export default () => 1\nexport const run = 2; var undefined",
    "with (a) {}",
    "export default () => 08",
    "import.meta.url; export default () => new.target",
    "using a = null; export default () => 1",
    "@a class A {} export default A",
    "class A { accessor b = 1 } export default () => 1",
    "export default () => /(?<a>x)(?<b>y)/v.test('xy')",
    "export default () => /(/",
    "export default () => 1; await 1; for await (const a of []) {}",
    "export default async function* () { yield* [] }",
    "const a = 1; { var a = 2 }",
    "export { a }; function a() {}",
    "export { a as default, a as 'b c' }; const a = () => 1",
    "import './index'; export default () => 1",
    "import * as me from './index'; export default () => me",
    "import './index.json' with { type: 'json' }",
    "import defer * as a from './index'; export default () => a",
    "import('./index').catch(() => 1); export default () => 1; throw 1",
    "export default () => a?.b ?? (c ||= 1, d **= 2, e?.[0]?.())",
    "label: for (;;) { break label }; export default () => 1",
    "<!-- html comment\nexport default () => 1",
    "export default () => a\\u{62}c; let \\u0061b = 1",
    "'use strict'; export default () => { delete a }",
    "yield = 1",
    "enum = 1",
    "let let = 1",
    "export default (a, a) => 1",
    "export default () => `\\u{110000}`",
    "0++",
    "for (let a, b of []) {}",
    "async () => await\n1; export default () => 1",
    "if (1) function a() {}",
    "export default class { constructor() {} constructor() {} }",
    "super()",
    "export default () => ({ __proto__: 1, __proto__: 2 })",
    "export default () => 1\n-->",
    "return 1",
    "({ a: 1, get a() { return 1 }, async *b() {}, ['c']: 2, ...{} }); export default () => 1",
]


def error_of_run(source: str, name: str = "index.ts") -> str:
    """The name of the error with which it ends, "" without one."""
    runtime = {"type": "typescript", "entrypoint": name}
    call = Call(runtime, b"{}", "r", "s", timeout=30.0, bundle=Bundle(f"{name}{source}", {name: source.encode()}))
    error = TypeScriptDriver().run(call, Abort()).error
    return error.name if error else ""


@pytest.mark.parametrize("name", ["index.ts", "index.js"])
@pytest.mark.parametrize("source", SOURCES)
def test_the_check_is_of_one_mind_with_the_sandbox_that_runs_scripts(source: str, name: str) -> None:
    refused = error_of_run(source, name) in ("SyntaxError", "ModuleNotFound")
    assert bool(check(source, name)) == refused


@pytest.mark.parametrize("source", RIGHT)
def test_what_runs_is_right(source: str) -> None:
    assert check(source) == []


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("let a = 1;\n\n  const y = ;\n", 3, "column 13: Unexpected token"),
        ("let é = 'ü'; /* 日本 */\r\n\r\n  const y = ;\r\n", 3, "column 13: Unexpected token"),
        ("let a = [\n1,\n2\n\nlet b", 5, "column 1: Expected"),
        ("class A {\n  foo(\n  bar() { }\n}\n", 3, "column 6: Expected `,` or `)`"),
        ("let a;\nfoo bar\n", 2, "Expected a semicolon"),
        ("let a;\nlet b = 'abc\n';", 2, "Unterminated string"),
        ("let a;\n/* abc\n\n", 2, "Unterminated multiline comment"),
        ("let a = `/*\n`; /* a */\n/* abc `\n// '\n", 3, "Unterminated multiline comment"),
        ("let a = `\n`;\nlet b = `abc\n// '\n", 3, "Unterminated string"),
        ("let a = 1 / 2;\n\nlet r = /abc\n", 3, "Unterminated regular expression"),
        ("#!/usr/bin/env node\nlet a = ;", 2, "column 9: Unexpected token"),
        ("let a;\nlet a;", 2, "redefinition"),
        ("type A = {\n  a: number\n};\n\nlet first: A;\n\n\nlet first;", 8, "redefinition"),
        ("let a;\n\nbreak;", 3, "break must be inside"),
        ("export {\n  a };", None, "'a' does not exist"),
    ],
)
def test_a_syntax_error_has_its_line(source: str, line: int | None, message: str) -> None:
    fault = only(check(source))
    assert (fault.path, fault.line) == ("index.ts", line)
    assert message in fault.message


def test_every_problem_that_the_parser_names_has_its_line() -> None:
    faults = check("return 1;\nreturn 2;\nlet x = (3\n\nlet q")
    assert [fault.line for fault in faults] == [1, 2, 5]


@pytest.mark.parametrize(
    "before",
    ["/*" + "\n * a" * 3_000 + "*/\n", "`" + "\n ${ `\n` }" * 1_000 + "`\n", "\n" * 3_000, "'//'; /[/`*]/;\n" * 3_000],
    ids=["comment", "template", "empty", "regex"],
)
def test_a_syntax_error_is_found_behind_anything(before: str) -> None:
    fault = only(check(f"{before}let a = ;\n" + "\n// more `\n/* ' */" * 500))
    assert fault == ScriptFault("index.ts", before.count("\n") + 1, "column 9: Unexpected token")


def test_a_syntax_error_put_anywhere_in_a_script_is_found_at_its_line() -> None:
    lines = [
        line
        for n in range(30)
        for line in (
            f"function f{n}<T>(a: T, b = `x ${{1}}`) {{",
            "  /* a comment `",
            "     of lines */",
            "  const re = /[/'\"]/; // `",
            "  if (a) { return `a",
            "   ${b} c` }",
            "}",
        )
    ]
    assert check("\n".join(lines)) == []
    for seed in range(20):
        at = random.Random(seed).choice([n for n in range(len(lines)) if n % 7 in (0, 3, 6)])
        broken = [*lines[:at], "let ] = 1;", *lines[at:]]
        assert only(check("\n".join(broken))).line == at + 1


def test_javascript_and_json_are_checked_too() -> None:
    assert only(check("let a = 1;\n\nlet b = ;", "index.js")).line == 3
    assert "'<'" in only(check("\nexport default () => <p/>;", "index.js")).message
    fault = only(check("import a from './a.json';\nexport default () => a", a_json="{\n  a: 1}"))
    assert (fault.path, fault.line) == ("a.json", 2)
    assert check("import a from './a.json';\nexport default () => a", a_json='{"a": 1}') == []


def test_json_is_what_the_run_takes_for_it() -> None:
    for text in ('"\\ud800"', "9" * 5_000, "[" * 500 + "]" * 500, " " * 500_000 + '"\\uDC00"'):
        assert json_problem(text) is None
    for text in ("NaN", "[1, Infinity]", '"\n"', "", "[" * 2_000 + "]" * 2_000, "[1" + " " * 500_000):
        assert json_problem(text) is not None


def test_a_fault_of_json_that_is_too_large_to_be_parsed_at_once_has_its_line() -> None:
    problem = json_problem("[\n" + "[],\n" * 200_000 + '"é", x]')
    assert problem is not None
    assert (problem.line, problem.message) == (200_002, "JSON is malformed: invalid character")


def test_jsx_needs_a_package_and_is_refused_as_it_would_be_when_it_runs() -> None:
    fault = only(check("import v from './view';\nexport default () => v", view_tsx="export default <p>\n  a</p>"))
    assert fault.path == "view.tsx"
    assert "react/jsx-runtime" in fault.message
    broken = only(check("import v from './view';\nexport default () => v", view_tsx="export default <p>\n  {a b}</p>"))
    assert (broken.path, broken.line) == ("view.tsx", 2)


IMPORTS = [
    "import a from './gone';\nexport default a;",
    "import { a }\n  from './gone'; export default a;",
    "import './gone';",
    "export * from './gone';",
    'export { a } from "./gone";',
    "export default () => import('./gone');",
    "export default () => import(/* why */ './gone');",
    "export default () => import(`./gone`);",
    "export default () => [...import('./gone')];",
    "const s = \"import('./gone')\"; /* import('./gone') */\nexport default async () => await import('./gone');",
]


@pytest.mark.parametrize("ending", ["ts", "js"])
@pytest.mark.parametrize("source", IMPORTS)
def test_an_import_of_what_is_not_there_is_a_fault_at_its_line(source: str, ending: str) -> None:
    fault = only(check(f"\n\n{source}", f"index.{ending}"))
    line = 3 + source[: source.rindex("./gone")].count("\n")
    if "\n  from" in source:
        line = 4
    assert fault == ScriptFault(f"index.{ending}", line, f"cannot find './gone', imported in index.{ending}")


@pytest.mark.parametrize("ending", ["ts", "js"])
@pytest.mark.parametrize(
    "source",
    [
        "// import a from './gone'\nexport default 1;",
        "/*\nimport './gone';\nimport('./gone')\n*/",
        "export default \"import('./gone')\";",
        "export default `\nimport './gone';\n ${1} import('./gone')`;",
        "export default /import('.\\/gone')/;",
        "const a = { import: (b) => b };\nexport default a.import('./gone');",
        "const a = './gone';\nexport default () => import(a);",
        "export default () => import('./' + 'gone');",
    ],
)
def test_what_only_looks_like_an_import_is_none(source: str, ending: str) -> None:
    # Beside a real fault, as only then it is looked at closely.
    name = f"index.{ending}"
    assert check(source, name) == []
    assert [fault.line for fault in check(f"import './missing';{source}", name)] == [1]


def test_an_import_of_types_alone_is_none_as_it_is_taken_away() -> None:
    assert check("import type { A } from './gone';\nimport { B } from './gone';\nexport default (a: A & B) => a;") == []


def test_imports_are_followed_through_folders_and_in_circles() -> None:
    files: dict[str, Any] = {
        "lib__index_ts": "export * from './b.js';\nimport '../index';",
        "lib__b_ts": "import('../c/d.mjs');\nexport const a = 1;",
        "c__d_mts": "import '../lib';\n\nimport('../../gone');\nimport './gone'",
        "c__other_ts": "not looked at, as nothing imports it",
    }
    faults = check("import { a } from './lib';\nexport default a;", **files)
    assert {(fault.path, fault.line) for fault in faults} == {("c/d.mts", 3), ("c/d.mts", 4)}
    assert any("leads out of the function's folder" in fault.message for fault in faults)


def test_a_package_that_a_script_tries_when_it_runs_is_no_fault() -> None:
    """Bundles of libraries do so, and go on without; a file of the function's own is another matter."""
    assert check("export default () => 1;\nimport('fs').catch(() => 1);") == []
    assert only(check("export default () => 1;\nimport('./gone').catch(() => 1);")).line == 2


def test_a_nul_character_which_would_end_the_script_is_a_fault() -> None:
    fault = only(check("export default () => 1;\n\0let a = ;", "index.js"))
    assert fault == ScriptFault("index.js", 2, "has a NUL character")


def test_nothing_runs_when_it_is_checked() -> None:
    endless = "for (;;);"
    for source in (endless, f"export default 1; {endless}", f"export default 1; {endless} //"):
        for name in ("index.js", "index.mjs"):
            assert check(source, name, seconds=5.0) == []


def test_a_package_is_refused_in_the_words_of_the_run() -> None:
    fault = only(check("\nimport lodash from 'lodash';\nexport default lodash;"))
    assert fault.line == 2
    assert "packages must be bundled" in fault.message
    call = Call({"type": "typescript"}, b"{}", "r", "s", bundle=Bundle("b", {"index.ts": b"import 'lodash'"}))
    outcome = TypeScriptDriver().run(call, Abort())
    assert outcome.error is not None
    assert outcome.error.message == fault.message


@pytest.mark.parametrize("content", [b"\x89PNG\xff\x00", b"\xff\xfe"])
def test_a_file_that_is_not_text_cannot_be_imported(content: bytes) -> None:
    fault = only(check("import a from './logo.png'; export default a", logo_png=content))
    assert fault == ScriptFault("logo.png", None, "cannot be run: it is not text (UTF-8)")
    assert check("export default 1", logo_png=content) == []
    assert only(check(content)).path == "index.ts"


@pytest.mark.parametrize("name", ["index.ts", "index.js"])
@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000,
        "[" * 500_000,
        "{" * 500_000,
        "`${" * 100_000,
        "a=>" * 300_000,
        "!" * 1_000_000,
        "\x00\x01\x02\x03\x04\x05\x06\x07 ;;;",
        "\x01\n\x02\nlet a = ;",
        "import(" * 100_000,
        "import/**/" * 100_000 + "('./a'",
        "\n".join(f"import './a{n}';" for n in range(3_000)),
        "\n".join(f"import('./a{n}');" for n in range(3_000)),
        "'\ud800'".encode("utf-8", "surrogatepass").decode("utf-8", "replace") + ";;let",
    ],
    ids=lambda source: repr(source[:12]),
)
def test_a_hostile_source_is_answered_in_time(source: str, name: str) -> None:
    began = time.monotonic()
    faults = check(source, name)
    assert time.monotonic() - began < 30
    assert 0 < len(faults) <= script_check.MAX_FAULTS


LINES = {
    "comments": "//" + "import(//" * 22 + "\n",
    "open comments": "//" + "import(/*" * 22 + "\n",
    "spaces": "//import(" + " " * 30 + "import(" + "\t" * 600 + "\n",
    "stars": "//import(/*" + "*" * 400 + "\n",
    "texts": "//import('" + "\\a" * 200 + "\n",
    "words": "//" + "from import " * 20 + "\n",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_words_that_look_like_imports_hold_up_no_other_thread(line: str) -> None:
    source = "import './gone';\n" + line * (2_000_000 // len(line))
    pauses: list[float] = []
    over = threading.Event()

    def tick() -> None:
        last = time.monotonic()
        while not over.wait(0.005):
            now = time.monotonic()
            pauses.append(now - last)
            last = now

    ticking = threading.Thread(target=tick)
    ticking.start()
    began = time.monotonic()
    try:
        assert only(check(source, "index.js")).line == 1
        assert time.monotonic() - began < 20
    finally:
        over.set()
        ticking.join()
    assert max(pauses) < 0.5


@pytest.mark.parametrize("dynamic", [False, True])
def test_looking_for_imports_asks_for_the_time(dynamic: bool) -> None:
    def over() -> None:
        raise TooLong

    with pytest.raises(TooLong):
        line_of_import("import(" * 5_000, "./a", lambda _: True, dynamic, over)


def test_an_import_behind_thousands_of_words_that_look_so_is_found() -> None:
    source = "// import(import( from from\n" * 5_000 + "import('./gone'); export default () => 1;"
    assert only(check(source, "index.js")).line == 5_001


def test_what_takes_too_long_is_a_fault_and_the_next_check_is_none_the_worse() -> None:
    source = "export default [" + "[1, a => `${a}`]," * 200_000 + "];"
    fault = only(check(source, seconds=0.2))
    assert fault == ScriptFault("index.ts", None, "takes too long to be checked")
    assert check("export default 2") == []


def test_a_check_with_a_deadline_of_more_than_itself_raises_when_that_is_over() -> None:
    source = "export default [" + "[1, a => `${a}`]," * 200_000 + f"{time.monotonic_ns()}];"
    with pytest.raises(TooLong):
        check_scripts({"index.ts": source.encode()}, ["index.ts"], deadline=time.monotonic() + 0.2)


def test_waiting_for_a_turn_ends_at_the_deadline() -> None:
    with workshop(60.0, math.inf), workshop(60.0, math.inf), pytest.raises(TooLong):
        check_scripts({"index.ts": b"let a"}, ["index.ts"], deadline=time.monotonic() + 0.1)
    assert check("let a") == []


def test_a_script_that_is_too_large_is_a_fault() -> None:
    assert "larger than a script may be" in only(check("//" + "x" * script_check.MAX_SCRIPT_BYTES)).message


def test_threads_check_side_by_side() -> None:
    answers: dict[int, list[ScriptFault]] = {}

    def run(number: int) -> None:
        answers[number] = check(f"export const a{number} = 1;\n" + "\n" * number + "let b = ;")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [only(answers[number]).line for number in range(12)] == [number + 2 for number in range(12)]


def test_a_file_that_did_not_change_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    read = script_check._Check._read

    def noted(self: script_check._Check, path: str) -> object:
        parsed.append(path)
        return read(self, path)

    monkeypatch.setattr(script_check._Check, "_read", noted)
    index = f"import a from './a';\nexport default a; // {time.monotonic_ns()}"
    for n in range(3):
        assert check(index, a_ts=f"export default {n}; // {time.monotonic_ns()}") == []
    assert parsed == ["index.ts", "a.ts", "a.ts", "a.ts"]


def test_a_fault_that_only_the_engine_finds_has_the_line_of_the_source_with_its_types() -> None:
    types = "interface A {\n  a: number;\n  b: string;\n}\n// a comment\n"
    source = "".join(f"{types if n % 3 == 0 else ''}const a{n}: number = {n};\n" for n in range(300))
    lines = source.splitlines()
    for number in (5, 150, 290):
        at = lines.index(f"const a{number}: number = {number};")
        broken = "\n".join([*lines[: at + 1], "", f"let a{number - 1};", *lines[at + 1 :]])
        fault = only(check(broken))
        assert (fault.line, "redefinition" in fault.message) == (at + 3, True)
