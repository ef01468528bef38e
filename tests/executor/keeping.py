"""A past of young rows, none of which retention may delete, or should look at."""

from tests.state.items import execute

KEEPING = (
    "state_run",
    "state_step",
    "state_attempt",
    "state_history",
    "state_wait",
    "state_probe",
    "state_wideevent",
    "state_notstarted",
    "state_startguard",
    "event_stream_event",
    "event_stream_inbox",
    "event_stream_parkedevent",
    "event_stream_seeneventid",
)

_ROWS = (
    "INSERT INTO event_stream_event (internal_id, environment_id, name, payload, received_at, duplicate)"
    " SELECT 'E' || n, 1, 'test/event', '{}', now(), false FROM numbers",
    "INSERT INTO event_stream_inbox SELECT n FROM numbers",
    "INSERT INTO event_stream_parkedevent (seq, reason, parked_at) SELECT n + 1000000, '', now() FROM numbers",
    "INSERT INTO event_stream_seeneventid (environment_id, event_id, internal_id, expires_at)"
    " SELECT 1, n, n, now() + interval '1 day' FROM numbers",
    "INSERT INTO state_startguard (function_id, kind, key, count, event_id, expires_at)"
    " SELECT 1, 'throttle', n, 1, n, now() + interval '1 day' FROM numbers",
    "INSERT INTO state_notstarted (event_seq, function_id, version_id, why, reason)"
    " SELECT n + 1000000, 1, 1, 'throttle', '' FROM numbers",
    "INSERT INTO state_wideevent (seq, after_wait) SELECT n + 1000000, 1 FROM numbers",
    "INSERT INTO state_run (id, environment_id, function_id, version_id, event_seq, status, queued_at, ended_at)"
    " SELECT 'Z' || lpad(n::text, 25, '0'), 1, 1, 1, n + 1000000, 'completed', now(), now() FROM numbers",
    "INSERT INTO state_step (run_id, step_id, status, item_id, attempts, output, queued_at, ended_at, async_seq)"
    " SELECT 'Z' || lpad(n::text, 25, '0'), 'a', 'completed', -n, 1, '1', now(), now(), n + 1000000 FROM numbers",
    "INSERT INTO state_attempt (run_id, step_id, number, ok, started_at, ended_at, log)"
    " SELECT 'Z' || lpad(n::text, 25, '0'), 'a', 1, true, now(), now(), '' FROM numbers",
    "INSERT INTO state_history (run_id, at, kind, reason)"
    " SELECT 'Z' || lpad(n::text, 25, '0'), now(), 'run.queued', '' FROM numbers",
    "INSERT INTO state_wait (run_id, environment_id, function_id, kind, sources, event_name, paths, key, since_seq,"
    " opened_at, branches, status)"
    " SELECT 'Z' || lpad(n::text, 25, '0'), 1, 1, 'step', 'a', 'e', '', 0, 0, now(), '{}', 'open' FROM numbers",
    "INSERT INTO state_probe (wait_id, after_seq, due_at) SELECT n + 1000000, 0, now() FROM numbers",
)


def fill_with_kept(count: int) -> None:
    """So many of each."""
    for statement in _ROWS:
        execute(f"WITH numbers AS (SELECT n FROM generate_series(1, %s) AS n) {statement}", (count,))
