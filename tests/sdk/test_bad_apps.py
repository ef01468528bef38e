"""Apps that are down, slow, or answer what they must not: each run fails and names the fault, none goes on for ever."""

from collections.abc import Iterator

import pytest

from tests.sdk.bad_app import FUNCTIONS, HASH, BadApp
from tests.sdk.harness import STEPS_MAX, App, SdkServer, ask

SEEN: dict[str, tuple[str, ...]] = {
    "unknown-op": ("StepBackwards",),
    "same-op-twice": (HASH, "one"),
    "empty-array": ("empty", "no opcodes", "nothing"),
    "no-array": ("array", "not an opcode"),
    "no-objects": ("object",),
    "no-id": ("id",),
    "no-op": ("op",),
    "sleep-without-time": ("whenever",),
    "wait-without-time": ("timeout",),
    "wait-with-bad-expression": ("opts.if",),
    "invoke-of-nothing": ("function_id",),
    "known-for-ever": (HASH, "one"),
    "planned-for-ever": (HASH, "one"),
    "discovery-for-ever": ("nothing new", "again"),
    "new-for-ever": (str(STEPS_MAX),),
    "another-step": ("a-third", "one"),
    "not-found": ("not found", "changed", "StepNotFound"),
    "html": ("HTML", "text/html", "SDK"),
    "html-error": ("HTML", "text/html", "502"),
    "not-json": ("JSON",),
    "not-json-206": ("JSON",),
    "not-utf-8": ("UTF-8", "JSON"),
    "wrong-status": ("teapot",),
    "redirect": ("302", "redirect"),
    "ten-megabytes": ("2000000", "2,000,000", "large", "bytes"),
    "bad-stream": ("stream", "JSON"),
    "stream-without-status": ("status",),
    "never": ("12 s", "seconds", "timed out", "timeout"),
    "hangs-up": ("closed", "hung up", "connection", "answer"),
    "drips": ("12 s", "seconds", "timed out", "timeout"),
    "down": ("refused", "connect"),
}
"""By function: words of which one, at least, must be in the error of its runs."""
MOST_CALLS = 8


@pytest.fixture(scope="module")
def bad(dev: SdkServer) -> Iterator[BadApp]:
    app = BadApp()
    try:
        answer = ask("POST", f"{dev.url}/fn/register", app.registration())
        assert answer.status == 200, answer
        yield app
    finally:
        app.close()


@pytest.fixture(scope="module")
def sent(dev: SdkServer, bad: BadApp, fastapi: App) -> dict[str, str]:
    """The ids of the events that start the bad functions; and, as `meanwhile`, of one that starts a good one."""
    ids = dev.send([*({"name": f"bad/{name}", "data": {}} for name in FUNCTIONS), {"name": "test/memoised"}])
    return dict(zip((*FUNCTIONS, "meanwhile"), ids, strict=True))


def test_other_runs_go_on_meanwhile(dev: SdkServer, sent: dict[str, str]) -> None:
    assert len(dev.completed(sent["meanwhile"], seconds=10)["output"]) == 3


def test_a_slow_app_is_waited_for(dev: SdkServer, sent: dict[str, str]) -> None:
    assert dev.completed(sent["slow"])["output"] == "at last"


@pytest.mark.parametrize("name", SEEN)
def test_a_bad_answer_fails_the_run_and_is_named(dev: SdkServer, bad: BadApp, sent: dict[str, str], name: str) -> None:
    error = dev.failed(sent[name], seconds=60)["output"]
    assert any(word.lower() in error["message"].lower() for word in SEEN[name]), error
    assert len(error["message"]) < 2_000
    assert bad.calls[name] <= (STEPS_MAX + 2 if name == "new-for-ever" else MOST_CALLS)


def test_no_run_of_a_bad_app_is_called_after_its_end(dev: SdkServer, bad: BadApp, sent: dict[str, str]) -> None:
    for name in SEEN:
        dev.failed(sent[name])
    before = dict(bad.calls)
    assert len(dev.completed(dev.send_one("test/memoised"))["output"]) == 3
    assert dict(bad.calls) == before
