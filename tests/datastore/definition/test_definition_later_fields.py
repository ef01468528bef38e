import pytest

from tests.datastore.definition.documents_of_tests import document, faults_of, with_edge, with_step

LATER: list[tuple[str, object]] = [
    ("idempotency", "{{ event.data.order_id }}"),
    ("throttle", {"count": 10, "period": "1m", "key": "{{ event.user.id }}"}),
    ("throttle", {"limit": 10, "period": "1m", "burst": 2}),
    ("concurrency", 5),
    ("concurrency", {"limit": 5, "key": "event.data.id", "scope": "env"}),
    ("concurrency", [{"limit": 5}, {"limit": 1, "scope": "account"}]),
    ("rateLimit", {"limit": 5, "period": "1h"}),
    ("debounce", {"period": "5s", "timeout": "1m"}),
    ("batchEvents", {"maxSize": 100, "timeout": "5s", "key": "event.data.id"}),
    ("priority", {"run": "event.data.vip ? 100 : 0"}),
    ("singleton", {"mode": "skip"}),
    ("timeouts", {"start": "10s", "finish": "1h"}),
    ("cancel", [{"event": "user/deleted", "if": "async.data.id == event.data.id", "timeout": "1d"}]),
]


@pytest.mark.parametrize(("field", "value"), LATER)
def test_a_function_s_field_of_later_is_refused_not_ignored(field: str, value: object) -> None:
    assert faults_of(document(**{field: value})) == {f"$.{field}": "is not yet supported"}


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        ({"event": "a", "expression": "event.data.plan == 'pro'"}, "expression"),
        (
            {"event": "a", "definition": {"format": "json-schema", "synced": True, "def": "file://./a.json"}},
            "definition",
        ),
        ({"event": "a", "definition": {"format": "cue", "def": {}}}, "definition"),
        ({"cron": "TZ=Europe/Paris 0 9 * * 1"}, "cron"),
        ({"cron": "*/5 * * * *"}, "cron"),
    ],
)
def test_a_trigger_s_field_of_later_is_refused(trigger: object, field: str) -> None:
    assert faults_of(document(triggers=[trigger])) == {f"$.triggers[0].{field}": "is not yet supported"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("if", "response.status == 200"),
        ("wait", "24h"),
        ("wait", "date(event.data.trial_ends) - duration('1h')"),
        (
            "async",
            {"event": "user/confirmed", "match": "async.user.id == event.user.id", "ttl": "72h", "onTimeout": True},
        ),
        ("async", {"event": "user/confirmed", "ttl": "72h"}),
    ],
)
def test_an_edge_s_field_of_later_is_refused(field: str, value: object) -> None:
    assert faults_of(with_edge(step="a", **{field: value})) == {f"$.steps.b.after[0].{field}": "is not yet supported"}


def test_a_join_is_refused_once_and_its_steps_are_checked() -> None:
    assert faults_of(with_edge(steps=["a"])) == {"$.steps.b.after[0].steps": "is not yet supported"}
    assert "no step" in faults_of(with_edge(steps=["a", "z"]))["$.steps.b.after[0].steps[1]"]
    assert "not both" in faults_of(with_edge(step="a", steps=["a"]))["$.steps.b.after[0]"]


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
    ("idempotency", 3, "$.idempotency"),
    ("throttle", {"count": 0, "period": "1m"}, "$.throttle.count"),
    ("throttle", {"count": 1, "limit": 1, "period": "1m"}, "$.throttle.limit"),
    ("throttle", {"limit": 1}, "$.throttle.period"),
    ("throttle", {"count": 1, "period": "1m", "burst": 1}, "$.throttle.burst"),
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
    ("cancel", {"event": "a"}, "$.cancel"),
    ("cancel", [{"if": "true"}], "$.cancel[0].event"),
    ("triggers", [{"cron": "0 9 * *"}], "$.triggers[0].cron"),
    ("triggers", [{"cron": "99 9 * * *"}], "$.triggers[0].cron"),
    ("triggers", [{"cron": "TZ=Europe/Pari 0 9 * * *"}], "$.triggers[0].cron"),
    ("triggers", [{"cron": "TZ=Europe 0 9 * * *"}], "$.triggers[0].cron"),
    ("triggers", [{"cron": "TZ=../x 0 9 * * *"}], "$.triggers[0].cron"),
    ("triggers", [{"cron": "0 9 * * *", "expression": "true"}], "$.triggers[0].expression"),
    ("triggers", [{"event": "a", "expression": 1}], "$.triggers[0].expression"),
    ("triggers", [{"event": "a", "definition": {"format": "xml", "def": ""}}], "$.triggers[0].definition.format"),
]


@pytest.mark.parametrize(("field", "value", "path"), WRONG)
def test_a_field_of_later_is_checked_for_its_shape(field: str, value: object, path: str) -> None:
    assert path in faults_of(document(**{field: value}))


@pytest.mark.parametrize(
    ("edge", "path"),
    [
        ({"if": True}, "if"),
        ({"wait": 5}, "wait"),
        ({"async": {"event": "a"}}, "async.ttl"),
        ({"async": {"event": "a", "ttl": "x"}}, "async.ttl"),
        ({"async": {"event": "a", "ttl": "1h", "onTimeout": "yes"}}, "async.onTimeout"),
        ({"async": {"event": "a", "ttl": "1h", "ontimeout": True}}, "async.ontimeout"),
        ({"steps": []}, "steps"),
        ({"steps": "a"}, "steps"),
        ({"steps": [1]}, "steps[0]"),
    ],
)
def test_an_edge_s_field_of_later_is_checked_for_its_shape(edge: dict[str, object], path: str) -> None:
    assert f"$.steps.b.after[0].{path}" in faults_of(with_edge(**edge))
