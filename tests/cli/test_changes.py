"""What a deploy has changed, as a person reads it."""

from typing import Any

import pytest

from apps.cli.changes import MAX_FILES, MAX_UNCHANGED, change_lines, count_kinds


def change(slug: str, kind: str, version: int | None, was: int | None = None, **more: Any) -> dict[str, Any]:
    files = {"added": [], "changed": [], "removed": []} | more.pop("files", {})
    return {
        "function_id": slug,
        "change": kind,
        "version": version,
        "was": was,
        "live": True,
        "files": files,
        "definition_changed": False,
        **more,
    }


def told(*functions: dict[str, Any]) -> list[str]:
    return [line.plain.rstrip() for line in change_lines(functions)]


def test_columns_stand_below_each_other_and_what_is_unchanged_comes_last() -> None:
    assert told(
        change("notify", "unchanged", 2, 2),
        change("onboarding", "changed", 12, 11),
        change("a", "new", 1, files={"added": ["index.ts"]}),
        change("b", "restored", 3, 5),
    ) == [
        "  ~ onboarding   v11 → v12   changed",
        "  + a            v1          new, 1 file",
        "  ↺ b            v5 → v3     made live",
        "  · notify       v2          unchanged",
    ]


def test_the_files_of_a_change_are_named_in_order_with_the_definition_first() -> None:
    files = {"added": ["steps/b.ts"], "changed": ["index.ts", "steps/c.ts"], "removed": ["steps/a.ts"]}
    assert told(change("one", "changed", 2, 1, files=files, definition_changed=True))[1:] == [
        "      ~ the definition",
        "      ~ index.ts",
        "      - steps/a.ts",
        "      + steps/b.ts",
        "      ~ steps/c.ts",
    ]


def test_many_files_and_many_unchanged_functions_are_counted() -> None:
    files = {"added": [f"{number:02}.ts" for number in range(MAX_FILES + 7)]}
    unchanged = [change(f"f{number}", "unchanged", 1, 1) for number in range(MAX_UNCHANGED + 1)]
    lines = told(change("one", "changed", 2, 1, files=files), *unchanged)
    assert len(lines) == 1 + MAX_FILES + 1 + 1
    assert lines[-2:] == ["      and 7 more files", f"  · {MAX_UNCHANGED + 1} more unchanged"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (change("a", "changed", 2, 1, live=False), "changed, not live"),
        (change("a", "new", 1, live=False), "new, not live"),
        (change("a", "changed", 2), "changed, nothing was live"),
        (change("a", "restored", 2), "made live"),
        (change("a", "restored", 2, 1), "made live"),
        (change("a", "archived", None, 4), "archived"),
    ],
)
def test_it_is_said_what_is_live_now(function: dict[str, Any], said: str) -> None:
    (line,) = told(function)
    assert line.endswith(f"   {said}")


def test_the_summary_counts_what_became_of_how_many() -> None:
    functions = [change("a", "unchanged", 1, 1), change("b", "changed", 2, 1), change("c", "new", 1)]
    assert count_kinds([*functions, change("d", "changed", 4, 3)]) == "2 changed, 1 new, 1 unchanged"


def test_nobodys_text_steers_the_terminal() -> None:
    hostile = "\x1b[2J\r\n\x9b31m\u202e"
    files = {"added": [hostile], "changed": [], "removed": []}
    text = "".join(told(change(hostile, "changed", 2, 1, files=files), change(hostile, hostile, 2, 1)))
    assert not set(hostile) & set(text) - {"[", "2", "J", "3", "1", "m"}


def test_a_terminal_cuts_a_long_name_and_a_wide_one_keeps_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert told(change("x" * 90, "new", 1)) == [f"  + {'x' * 90}   v1   new"]
    monkeypatch.setenv("COLUMNS", "80")
    lines = told(change("x" * 90, "new", 1), change("日本", "new", 1))
    assert lines[0] == f"  + {'x' * 39}…   v1   new"
    assert lines[1] == f"  + 日本{' ' * 36}   v1   new"
