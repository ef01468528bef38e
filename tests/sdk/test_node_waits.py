"""The TypeScript SDK's waits for events and signals, and its invokes."""

import pytest

from tests.sdk.harness import App, SdkServer
from tests.sdk.node_app import function_calls, send
from tests.waiting import wait_for

pytest_plugins = ["tests.sdk.node_fixtures"]


@pytest.fixture(scope="module")
def events(dev: SdkServer, node: App) -> dict[str, str]:
    scenarios = {
        "wait-match one": {"order": 1},
        "wait-match other": {"order": 2},
        "wait-if": {"order": 3, "least": 100},
        "wait-null": {},
        "wait-race": {"order": 4},
        "wait-turns": {"order": 5},
        "signal-wait": {"signal": "approved"},
        "signal-wait alone": {"signal": "never", "timeout": "1s"},
        "signal-wait first": {"signal": "taken"},
        "signal-wait replaced": {"signal": "replaced", "timeout": "10s"},
        "invokes": {"number": 10},
        "invokes-failing": {},
        "invokes-missing": {},
        "invokes-too-long": {},
        "invokes-uncaught": {},
        "across-apps": {"number": 50},
    }
    return send(dev, "node", scenarios)


def wait_open(dev: SdkServer, event: str) -> None:
    """Until the run that this event has started listens."""
    run = dev.started(event)
    wait_for(lambda: dev.run(run)["phase"] == "Waiting", "the run waits")


def test_an_event_resumes_the_run_that_it_matches_and_no_other(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    for scenario in ("wait-match one", "wait-match other"):
        wait_open(dev, events[scenario])
    dev.send_one("node/answer", {"order": 1, "text": "yes"})
    run = dev.completed(events["wait-match one"])
    assert run["output"] == {"name": "node/answer", "data": {"order": 1, "text": "yes"}}
    assert len(function_calls(node, run)) == 2
    assert dev.run(dev.started(events["wait-match other"]))["phase"] == "Waiting"
    dev.send_one("node/answer", {"order": 2})
    assert dev.completed(events["wait-match other"])["output"]["data"] == {"order": 2}


def test_an_event_resumes_a_run_on_a_condition(dev: SdkServer, events: dict[str, str]) -> None:
    wait_open(dev, events["wait-if"])
    offers = [{"order": 3, "price": 99}, {"order": 30, "price": 200}, {"order": 3, "price": 100}]
    dev.send([{"name": "node/offer", "data": offer} for offer in offers])
    assert dev.completed(events["wait-if"])["output"] == 100


def test_a_wait_that_nothing_ends_gives_null(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["wait-null"])["output"] == {"answer": None}


def test_an_answer_that_comes_while_the_wait_is_opened_is_not_missed(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["wait-race"])["output"] == {"answered": 4}
    assert dev.completed(events["wait-turns"])["output"] == [0, 1, 2]


def test_a_signal_resumes_the_run_that_waits_for_it(dev: SdkServer, events: dict[str, str]) -> None:
    wait_open(dev, events["signal-wait"])
    [sent] = dev.send([{"name": "node/signal-send", "data": {"signal": "approved", "data": {"by": "me"}}}])
    run = dev.completed(events["signal-wait"])
    assert run["output"] == {"signal": {"signal": "approved", "data": {"by": "me"}}}
    assert dev.completed(sent)["output"] == {"runId": run["run_id"]}


def test_a_signal_that_nobody_waits_for_resumes_nothing(dev: SdkServer, node: App) -> None:
    assert dev.completed(dev.send_one("node/signal-send", {"signal": "nobody"}))["output"] == {}


def test_a_signal_that_does_not_come_in_time_is_null(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["signal-wait alone"])["output"] == {"signal": None}


def test_a_second_wait_for_a_signal_fails_if_it_says_so(dev: SdkServer, events: dict[str, str]) -> None:
    wait_open(dev, events["signal-wait first"])
    second = dev.failed(dev.send_one("node/signal-wait", {"signal": "taken", "onConflict": "fail"}))
    assert "taken" in second["output"]["message"]
    dev.send_one("node/signal-send", {"signal": "taken", "data": 1})
    assert dev.completed(events["signal-wait first"])["output"] == {"signal": {"signal": "taken", "data": 1}}


def test_a_second_wait_for_a_signal_replaces_the_first_if_it_says_so(dev: SdkServer, events: dict[str, str]) -> None:
    wait_open(dev, events["signal-wait replaced"])
    second = dev.send_one("node/signal-wait", {"signal": "replaced", "onConflict": "replace"})
    wait_open(dev, second)
    dev.send_one("node/signal-send", {"signal": "replaced", "data": 2})
    assert dev.completed(second)["output"] == {"signal": {"signal": "replaced", "data": 2}}
    # The first one is left to its time-out.
    assert dev.completed(events["signal-wait replaced"])["output"] == {"signal": None}


def test_a_function_invokes_others_by_reference_and_by_name_also_of_another_app(
    dev: SdkServer, node: App, events: dict[str, str]
) -> None:
    run = dev.completed(events["invokes"])
    invoked = "inngest/function.invoked"
    assert run["output"] == {
        "own": {"doubled": 20, "name": invoked},
        "nothing": None,
        "byName": {"doubled": 22, "name": invoked},
        "elsewhere": {"doubled": 24, "elsewhere": True},
    }
    assert len(function_calls(node, run)) == 5
    across = dev.completed(events["across-apps"])
    assert across["output"] == {"doubled": 100, "name": invoked}


def test_the_error_of_an_invoked_function_is_that_of_the_step(dev: SdkServer, events: dict[str, str]) -> None:
    run = dev.completed(events["invokes-failing"])
    assert run["output"] == {"name": "TypeError", "message": "the invoked function cannot"}
    run = dev.failed(events["invokes-uncaught"])
    assert run["output"]["message"] == "the invoked function cannot"


def test_invoking_what_is_not_there_says_so(dev: SdkServer, events: dict[str, str]) -> None:
    assert "node-not-there" in dev.completed(events["invokes-missing"])["output"]["message"]


def test_an_invoke_that_takes_too_long_says_so(dev: SdkServer, events: dict[str, str]) -> None:
    assert dev.completed(events["invokes-too-long"])["output"]["name"] == "InngestInvokeTimeoutError"
