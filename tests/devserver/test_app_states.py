from collections.abc import Mapping
from datetime import UTC, datetime

from apps.devserver.app_states import AppState, changes

URL = "http://localhost:3000/api/inngest"


def state(functions: Mapping[str, int], url: str = URL, second: int = 0) -> dict[str, AppState]:
    return {"shop": AppState("shop", url, datetime(2026, 1, 1, second=second, tzinfo=UTC), "", functions)}


def test_a_new_app_is_told_with_how_much_it_serves() -> None:
    assert changes({}, state({"a": 1, "b": 1})) == [f"synced app shop from {URL}: 2 functions"]
    assert changes({}, state({"a": 1})) == [f"synced app shop from {URL}: 1 function"]


def test_the_same_again_is_not_told() -> None:
    assert changes(state({"a": 1}), state({"a": 1}, second=5)) == []


def test_each_function_is_told_by_what_became_of_it() -> None:
    [line] = changes(state({"a": 1, "b": 3, "c": 1}), state({"a": 1, "b": 4, "d": 1}))
    assert line == f"synced app shop from {URL}: added d; changed b; removed c"


def test_an_app_that_moved_tells_from_where() -> None:
    moved = "http://localhost:3001/api/inngest"
    assert changes(state({"a": 1}), state({"a": 1}, moved)) == [f"synced app shop from {moved}: was at {URL}"]


def test_an_app_that_was_archived_is_told() -> None:
    assert changes(state({"a": 1}), {}) == ["app shop is archived"]
