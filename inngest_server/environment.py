"""Every setting that the server reads from its environment: name, default and meaning, in one list.

`docs/settings.md` is this list as a page (`manage.py settings_page` writes it; a test holds the two together).
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from inngest_server.setting_values import (
    broker,
    database,
    flag,
    log_level,
    names,
    networks,
    not_negative,
    number,
    port,
    positive,
    pull_policy,
    seconds,
    up_to_1000,
)

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: how its text is read, and what holds when it is not there."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    required: bool = False
    """Outside dev mode the server does not start without it."""
    in_dev: Any = None
    """The default in dev mode, where it is another one."""


SETTINGS: tuple[Setting, ...] = (
    Setting("INNGEST_DEV", flag, False, "Dev mode: any event key passes, no API token is asked for, loopback only."),
    Setting(
        "SECRET_KEY", str, "", "Signs cursors, and seals signing keys and secrets; long and random.", required=True
    ),
    Setting("SECRET_KEY_FALLBACKS", names, [], "Former secret keys, by comma: what they have sealed can be read."),
    Setting("DATABASE_URL", database, "", "PostgreSQL, e.g. `postgresql://user:password@host/name`.", required=True),
    Setting("BROKER_URL", broker, "", "Celery's broker, e.g. `redis://host:6379/0` or `amqp://host`.", required=True),
    Setting(
        "ALLOWED_HOSTS",
        names,
        ["*"],
        "Host names that the server answers to, by comma. In dev mode those of loopback always, and never `*`.",
        in_dev=[],
    ),
    Setting("INNGEST_DEV_HOST", str, "127.0.0.1", "Address on which the development server listens (`--host`)."),
    Setting("INNGEST_DEV_PORT", port, 8_288, "Port on which the development server listens (`--port`)."),
    Setting(
        "DEV_LINES_MAX",
        positive,
        300,
        "Lines printed in a second in dev mode, and as many of errors; others are counted.",
    ),
    Setting("DEV_TOLD_MAX", positive, 1_000, "What one process tells it in a second; errors are always told."),
    Setting("DEV_SOCKET", str, "", "Where the development server is told what happens. It sets it for its processes."),
    Setting("LOG_LEVEL", log_level, "INFO", "Least level of what is logged."),
    Setting(
        "LOG_RUNS",
        flag,
        False,
        "Log what happens to events, runs and steps, without payloads; `make dev` shows it with them.",
        in_dev=True,
    ),
    Setting("DATABASE_POOL_SIZE", positive, 8, "Connections that one process may hold to PostgreSQL."),
    # Event API
    Setting("EVENT_MAX_BYTES", positive, 512 * KIB, "Largest event, in bytes of JSON."),
    Setting("EVENT_MAX_BATCH", positive, 5_000, "Most events in one request."),
    Setting("EVENT_MAX_DEPTH", positive, 1_000, "Deepest nesting of arrays and objects in a request's events."),
    Setting("EVENT_REQUEST_MAX_BYTES", positive, 32 * MIB, "Largest request body of the Event API."),
    Setting("EVENT_QUEUE_MAX", positive, 10_000, "Events that may wait for a commit; beyond it the answer is 503."),
    Setting("EVENT_QUEUE_MAX_BYTES", positive, 128 * MIB, "Bytes that may wait for a commit; beyond it: 503."),
    Setting("EVENT_DEDUPLICATION_SECONDS", positive, 86_400, "How long an event's `id` is remembered."),
    # Apps that register
    Setting("REGISTRATION_MAX_BYTES", positive, 4 * MIB, "Largest registration of an app's functions."),
    # Access
    Setting("ENVIRONMENTS_MAX", positive, 100, "Most environments; branch environments are not counted."),
    Setting(
        "KEYS_MAX",
        positive,
        1_000,
        "Most live keys of one kind in an environment: event keys, API tokens, signing keys.",
    ),
    Setting("SECRETS_MAX", positive, 500, "Most secrets of an environment."),
    Setting("SECRET_MAX_BYTES", positive, 32 * KIB, "Largest value of a secret."),
    Setting("SECRETS_MAX_BYTES", positive, 512 * KIB, "Largest sum of the values of an environment's secrets."),
    # Deploys
    Setting("DEPLOY_MAX_BYTES", positive, 32 * MIB, "Largest body of a deploy, as it is sent."),
    Setting("DEPLOY_MAX_UNPACKED_BYTES", positive, 128 * MIB, "Largest archive of a deploy, once it is unpacked."),
    Setting("DEPLOY_MAX_FILES", positive, 10_000, "Most files, folders and other entries in a deploy's archive."),
    Setting("DEPLOY_MAX_FUNCTIONS", positive, 1_000, "Most functions in one deploy."),
    Setting("DEPLOY_BODY_SECONDS", seconds, 300.0, "How long the body of a deploy may take to arrive."),
    Setting("DEPLOY_CHECK_SECONDS", seconds, 60.0, "How long all functions of a deploy may take to be checked."),
    Setting("DEPLOYS_AT_ONCE", positive, 2, "Deploys that one process unpacks and checks side by side; others wait."),
    Setting("DEPLOYS_WAITING", positive, 8, "Deploys that may wait in one process for that; beyond it: 503."),
    Setting("DEPLOYS_RECEIVED", positive, 8, "Bodies of deploys that one process receives at once; beyond it: 503."),
    Setting("DEPLOY_WAIT_SECONDS", seconds, 30.0, "How long a deploy may wait to be unpacked; then: 503."),
    Setting("DEPLOY_LOCK_SECONDS", seconds, 10.0, "How long a deploy or rollback waits for others' locks; then: 503."),
    Setting("FUNCTION_MAX_FILES", positive, 1_000, "Most files of one function."),
    Setting("FUNCTION_MAX_BYTES", positive, 32 * MIB, "Largest sum of one function's files."),
    # Runner
    Setting("CONSUME_BATCH", positive, 200, "Events that the runner consumes in one transaction."),
    Setting("IDEMPOTENCY_SECONDS", positive, 86_400, "How long a function's `idempotency` key is remembered."),
    Setting(
        "CRON_CATCH_UP",
        up_to_1000,
        1,
        "Most ticks of a cron that are run when some were missed: the newest ones. 0: none that is over a minute late.",
    ),
    # Executor
    Setting("STEP_SLOTS", positive, 16, "Steps of queue `steps` that one worker process runs side by side."),
    Setting("CPU_SLOTS", positive, 1, "Steps of queue `steps.cpu` that one worker process runs side by side."),
    Setting("STEP_OUTPUT_MAX_BYTES", positive, 4 * MIB, "Largest output of a step; a larger one fails the step."),
    Setting(
        "STEP_INPUT_MAX_BYTES", positive, 16 * MIB, "Largest sum of the outputs that a step gets from those before."
    ),
    Setting(
        "SDK_CALL_SECONDS", seconds, 7_200.0, "How long one call of an SDK's function may take, with the step it runs."
    ),
    Setting(
        "SDK_STATE_MAX_BYTES",
        positive,
        4 * MIB,
        "Largest event and results together that a call of an SDK's function carries; beyond it the SDK asks for them.",
    ),
    Setting("SDK_STEPS_MAX", positive, 1_000, "Most steps of one run of an SDK's function; a run with more fails."),
    Setting("STEP_LOG_MAX_BYTES", positive, 64 * KIB, "What is kept of one attempt's log."),
    Setting("STEP_MEMORY_MAX_BYTES", positive, 128 * MIB, "Memory that a sandboxed step may use."),
    Setting(
        "PRIVATE_NETWORKS",
        networks,
        [],
        "Private networks (CIDR, by comma) that http steps, `fetch` in scripts and `step.fetch` may reach.",
        in_dev=["0.0.0.0/0", "::/0"],
    ),
    Setting("DOCKER_SLOTS", positive, 8, "Steps of queue `steps.docker` that one worker process runs side by side."),
    Setting(
        "DOCKER_HOST",
        str,
        "",
        "The Docker engine: `unix:///var/run/docker.sock` (the default), or `tcp://host:2375`; TLS is not spoken.",
    ),
    Setting(
        "DOCKER_NETWORK",
        str,
        "bridge",
        "Network of the containers: `bridge`, `none`, or the name of one of the engine's.",
    ),
    Setting("DOCKER_PULL", pull_policy, "missing", "When images are pulled: `missing`, `always` or `never`."),
    Setting(
        "DOCKER_REGISTRY",
        str,
        "",
        "Where built images go and come from, as in `registry.example.com/team`. None: each engine builds its own.",
    ),
    Setting("DOCKER_REGISTRY_USERNAME", str, "", "Its user; without one, what `docker login` has left holds."),
    Setting("DOCKER_REGISTRY_PASSWORD", str, "", "Its password."),
    Setting("DOCKER_BUILD", flag, True, "Whether workers build the images that are neither here nor in the registry."),
    Setting("DOCKER_BUILD_SECONDS", seconds, 900.0, "How long building, or pulling, an image may take."),
    Setting("DOCKER_BUILD_MEMORY_BYTES", positive, 2048 * MIB, "Memory of each command of a build by a worker."),
    Setting(
        "DOCKER_BUILD_NETWORK",
        str,
        "default",
        "What a build by a worker reaches: `default` (as the engine has it), `none`, or one of the engine's networks.",
    ),
    Setting("DOCKER_IMAGE_DAYS", positive, 30, "Days without use after which workers remove a step's built image."),
    Setting("DOCKER_MEMORY_BYTES", positive, 512 * MIB, "Memory of a container, unless its step says `memory`."),
    Setting("DOCKER_MEMORY_MAX_BYTES", positive, 4096 * MIB, "Most memory that a step may ask for."),
    Setting("DOCKER_CPUS", number, 1.0, "CPUs of a container, unless its step says `cpus`."),
    Setting("DOCKER_CPUS_MAX", number, 8.0, "Most CPUs that a step may ask for."),
    Setting("DOCKER_PIDS", positive, 256, "Processes and threads of a container, unless its step says `pids`."),
    Setting("DOCKER_PIDS_MAX", positive, 4_096, "Most processes that a step may ask for."),
    Setting("DOCKER_TMP_BYTES", positive, 64 * MIB, "Size of a container's `/tmp`, the one place where it may write."),
    Setting(
        "UNAVAILABLE_RETRY_SECONDS",
        seconds,
        10.0,
        "How long a step waits when what runs it (the Docker engine) is away.",
    ),
    Setting("RETRY_SCALE", not_negative, 1.0, "Multiplies the delays between attempts.", in_dev=0.05),
    Setting(
        "INNGEST_CACHE_DIR",
        str,
        "",
        "Folder for functions' code and compiled WebAssembly; else `inngest-server` in the user's cache folder.",
    ),
    Setting("CODE_CACHE_MAX_BYTES", positive, 1024 * MIB, "Functions' code that a machine keeps in that folder."),
    Setting("WASM_CACHE_MAX_BYTES", positive, 1024 * MIB, "Compiled modules of wasm steps that it keeps there."),
    Setting("WASM_COMPILE_SECONDS", seconds, 180.0, "Processor time that compiling one module may take."),
    Setting("WASM_COMPILE_MEMORY_BYTES", positive, 2048 * MIB, "Memory that compiling one module may take."),
    Setting("CODE_MEMORY_MAX_BYTES", positive, 64 * MIB, "Functions' code that one worker process keeps in memory."),
    Setting("SHUTDOWN_GRACE_SECONDS", not_negative, 10.0, "How long a stopping worker lets its steps finish."),
    Setting("HEARTBEAT_SECONDS", seconds, 3.0, "How often a worker process says that it lives."),
    Setting("LEASE_SECONDS", seconds, 15.0, "Silence after which a worker's steps go back to the queue."),
    Setting("LEASE_MAX_RETURNS", positive, 5, "Times that a dead worker's step goes back before it fails for good."),
    Setting("ETA_HORIZON_SECONDS", not_negative, 60.0, "What is due within it gets a timed doorbell of its own."),
    Setting("RETENTION_DAYS", positive, 30, "How long events and ended runs are kept."),
    Setting("INNGEST_FAULT", str, "", "For tests: the point at which the process kills itself, `claimed` or `called`."),
)


def read_environment(variables: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The value of every setting. Raises ImproperlyConfigured, naming all faults at once."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for setting in SETTINGS:
        text = variables.get(setting.name)
        dev = values.get("INNGEST_DEV", False)
        if text is None or (text == "" and setting.required):
            values[setting.name] = setting.in_dev if dev and setting.in_dev is not None else setting.default
            if setting.required and not dev:
                faults.append(f"{setting.name} is not set ({setting.meaning})")
            continue
        try:
            values[setting.name] = setting.read(text)
        except ValueError as error:
            values[setting.name] = setting.default
            faults.append(f"{setting.name}={text!r}: {error}")
    if values["LEASE_SECONDS"] < 3 * values["HEARTBEAT_SECONDS"]:
        faults.append("LEASE_SECONDS must be at least three times HEARTBEAT_SECONDS, or the living are taken for dead")
    if faults:
        raise ImproperlyConfigured("The server cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))
    return values
