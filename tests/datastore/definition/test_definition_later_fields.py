import pytest

from tests.datastore.definition.documents_of_tests import document, faults_of, with_step

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


@pytest.mark.parametrize(
    "definition", [{"format": "json-schema", "synced": True, "def": "file://./a.json"}, {"format": "cue", "def": {}}]
)
def test_a_trigger_s_schema_is_refused(definition: object) -> None:
    trigger = {"event": "a", "expression": "true", "definition": definition}
    assert faults_of(document(triggers=[trigger])) == {"$.triggers[0].definition": "is not yet supported"}


@pytest.mark.parametrize(
    "runtime",
    [
        {"type": "docker"},
        {"type": "docker", "dockerfile": "Dockerfile", "image": "alpine"},
        {"type": "wasm", "module": "a.wasm"},
    ],
)
def test_a_runtime_of_later_is_refused(runtime: dict[str, str]) -> None:
    message = f"the {runtime['type']} runtime is not yet supported"
    assert faults_of(with_step(runtime=runtime, timeout="5m")) == {"$.steps.a.runtime.type": message}


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"Dockerfile": "", "index.ts": ""}, "docker"),
        ({"main.wasm": "", "index.ts": ""}, "wasm"),
    ],
)
def test_a_folder_for_a_runtime_of_later_is_refused(files: dict[str, str], kind: str) -> None:
    assert faults_of(document(), files) == {"$": f"the {kind} runtime is not yet supported"}


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
    ("triggers", [{"event": "a", "definition": {"format": "xml", "def": ""}}], "$.triggers[0].definition.format"),
]


@pytest.mark.parametrize(("field", "value", "path"), WRONG)
def test_a_field_of_later_is_checked_for_its_shape(field: str, value: object, path: str) -> None:
    assert path in faults_of(document(**{field: value}))
