import pytest

from tests.datastore.definition.documents_of_tests import document, faults_of

LATER: list[tuple[str, object]] = [
    ("concurrency", 5),
    ("concurrency", {"limit": 5, "key": "event.data.id", "scope": "env"}),
    ("concurrency", [{"limit": 5}, {"limit": 1, "scope": "account"}]),
    ("rateLimit", {"limit": 5, "period": "1h"}),
    ("debounce", {"period": "5s", "timeout": "1m"}),
    ("batchEvents", {"maxSize": 100, "timeout": "5s", "key": "event.data.id"}),
    ("priority", {"run": "event.data.vip ? 100 : 0"}),
    ("singleton", {"mode": "skip"}),
    ("timeouts", {"start": "10s", "finish": "1h"}),
]


@pytest.mark.parametrize(("field", "value"), LATER)
def test_a_function_s_field_of_later_is_refused_not_ignored(field: str, value: object) -> None:
    assert faults_of(document(**{field: value})) == {f"$.{field}": "is not yet supported"}


def test_the_throttle_that_delays_is_refused_and_the_one_that_drops_is_named() -> None:
    message = faults_of(document(throttle={"limit": 10, "period": "1m", "burst": 2}))["$.throttle"]
    assert "not yet supported" in message
    assert '"count"' in message


WRONG: list[tuple[str, object, str]] = [
    ("throttle", {"limit": 1}, "$.throttle.period"),
    ("concurrency", "5", "$.concurrency"),
    ("concurrency", True, "$.concurrency"),
    ("concurrency", [], "$.concurrency"),
    ("concurrency", [{"limit": 1}] * 3, "$.concurrency"),
    ("concurrency", [{"limit": 1, "scope": "all"}], "$.concurrency[0].scope"),
    ("rateLimit", {"limit": 1, "period": 60}, "$.rateLimit.period"),
    ("debounce", {}, "$.debounce.period"),
    ("batchEvents", {"maxSize": 101, "timeout": "5s"}, "$.batchEvents.maxSize"),
    ("batchEvents", {"maxSize": 100, "timeout": "61s"}, "$.batchEvents.timeout"),
    ("priority", {"run": 100}, "$.priority.run"),
    ("singleton", {"mode": "queue"}, "$.singleton.mode"),
    ("timeouts", {"begin": "1s"}, "$.timeouts.begin"),
]


@pytest.mark.parametrize(("field", "value", "path"), WRONG)
def test_a_field_of_later_is_checked_for_its_shape(field: str, value: object, path: str) -> None:
    assert path in faults_of(document(**{field: value}))
