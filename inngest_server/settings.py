"""Django's settings. What may be changed from outside is listed in `environment.py`, and only there."""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from inngest_server.dev_hosts import allowed_in_dev
from inngest_server.environment import read_environment
from inngest_server.logs import configure_logs

BASE_DIR = Path(__file__).resolve().parent.parent

_environment = read_environment()
INNGEST_DEV: bool = _environment["INNGEST_DEV"]
LOG_LEVEL: str = _environment["LOG_LEVEL"]
LOG_RUNS: bool = _environment["LOG_RUNS"]
DATABASE_URL: str = _environment["DATABASE_URL"]
BROKER_URL: str = _environment["BROKER_URL"]
DATABASE_POOL_SIZE: int = _environment["DATABASE_POOL_SIZE"]
EVENT_MAX_BYTES: int = _environment["EVENT_MAX_BYTES"]
EVENT_MAX_BATCH: int = _environment["EVENT_MAX_BATCH"]
EVENT_MAX_DEPTH: int = _environment["EVENT_MAX_DEPTH"]
EVENT_REQUEST_MAX_BYTES: int = _environment["EVENT_REQUEST_MAX_BYTES"]
EVENT_QUEUE_MAX: int = _environment["EVENT_QUEUE_MAX"]
EVENT_QUEUE_MAX_BYTES: int = _environment["EVENT_QUEUE_MAX_BYTES"]
EVENT_DEDUPLICATION_SECONDS: int = _environment["EVENT_DEDUPLICATION_SECONDS"]
REGISTRATION_MAX_BYTES: int = _environment["REGISTRATION_MAX_BYTES"]
ENVIRONMENTS_MAX: int = _environment["ENVIRONMENTS_MAX"]
KEYS_MAX: int = _environment["KEYS_MAX"]
SECRETS_MAX: int = _environment["SECRETS_MAX"]
SECRET_MAX_BYTES: int = _environment["SECRET_MAX_BYTES"]
SECRETS_MAX_BYTES: int = _environment["SECRETS_MAX_BYTES"]
DEPLOY_MAX_BYTES: int = _environment["DEPLOY_MAX_BYTES"]
DEPLOY_MAX_UNPACKED_BYTES: int = _environment["DEPLOY_MAX_UNPACKED_BYTES"]
DEPLOY_MAX_FILES: int = _environment["DEPLOY_MAX_FILES"]
DEPLOY_MAX_FUNCTIONS: int = _environment["DEPLOY_MAX_FUNCTIONS"]
DEPLOY_BODY_SECONDS: float = _environment["DEPLOY_BODY_SECONDS"]
DEPLOY_CHECK_SECONDS: float = _environment["DEPLOY_CHECK_SECONDS"]
DEPLOYS_AT_ONCE: int = _environment["DEPLOYS_AT_ONCE"]
DEPLOYS_WAITING: int = _environment["DEPLOYS_WAITING"]
DEPLOYS_RECEIVED: int = _environment["DEPLOYS_RECEIVED"]
DEPLOY_WAIT_SECONDS: float = _environment["DEPLOY_WAIT_SECONDS"]
DEPLOY_LOCK_SECONDS: float = _environment["DEPLOY_LOCK_SECONDS"]
FUNCTION_MAX_FILES: int = _environment["FUNCTION_MAX_FILES"]
FUNCTION_MAX_BYTES: int = _environment["FUNCTION_MAX_BYTES"]
CONSUME_BATCH: int = _environment["CONSUME_BATCH"]
IDEMPOTENCY_SECONDS: int = _environment["IDEMPOTENCY_SECONDS"]
CRON_CATCH_UP: int = _environment["CRON_CATCH_UP"]
STEP_SLOTS: int = _environment["STEP_SLOTS"]
CPU_SLOTS: int = _environment["CPU_SLOTS"]
STEP_OUTPUT_MAX_BYTES: int = _environment["STEP_OUTPUT_MAX_BYTES"]
STEP_INPUT_MAX_BYTES: int = _environment["STEP_INPUT_MAX_BYTES"]
SDK_CALL_SECONDS: float = _environment["SDK_CALL_SECONDS"]
SDK_STATE_MAX_BYTES: int = _environment["SDK_STATE_MAX_BYTES"]
SDK_STEPS_MAX: int = _environment["SDK_STEPS_MAX"]
STEP_LOG_MAX_BYTES: int = _environment["STEP_LOG_MAX_BYTES"]
STEP_MEMORY_MAX_BYTES: int = _environment["STEP_MEMORY_MAX_BYTES"]
PRIVATE_NETWORKS: list[str] = _environment["PRIVATE_NETWORKS"]
DOCKER_SLOTS: int = _environment["DOCKER_SLOTS"]
DOCKER_HOST: str = _environment["DOCKER_HOST"]
DOCKER_NETWORK: str = _environment["DOCKER_NETWORK"]
DOCKER_PULL: str = _environment["DOCKER_PULL"]
DOCKER_REGISTRY: str = _environment["DOCKER_REGISTRY"]
DOCKER_REGISTRY_USERNAME: str = _environment["DOCKER_REGISTRY_USERNAME"]
DOCKER_REGISTRY_PASSWORD: str = _environment["DOCKER_REGISTRY_PASSWORD"]
DOCKER_BUILD: bool = _environment["DOCKER_BUILD"]
DOCKER_BUILD_SECONDS: float = _environment["DOCKER_BUILD_SECONDS"]
DOCKER_BUILD_MEMORY_BYTES: int = _environment["DOCKER_BUILD_MEMORY_BYTES"]
DOCKER_BUILD_NETWORK: str = _environment["DOCKER_BUILD_NETWORK"]
DOCKER_IMAGE_DAYS: int = _environment["DOCKER_IMAGE_DAYS"]
DOCKER_MEMORY_BYTES: int = _environment["DOCKER_MEMORY_BYTES"]
DOCKER_MEMORY_MAX_BYTES: int = _environment["DOCKER_MEMORY_MAX_BYTES"]
DOCKER_CPUS: float = _environment["DOCKER_CPUS"]
DOCKER_CPUS_MAX: float = _environment["DOCKER_CPUS_MAX"]
DOCKER_PIDS: int = _environment["DOCKER_PIDS"]
DOCKER_PIDS_MAX: int = _environment["DOCKER_PIDS_MAX"]
DOCKER_TMP_BYTES: int = _environment["DOCKER_TMP_BYTES"]
WASM_CACHE_MAX_BYTES: int = _environment["WASM_CACHE_MAX_BYTES"]
WASM_COMPILE_SECONDS: float = _environment["WASM_COMPILE_SECONDS"]
WASM_COMPILE_MEMORY_BYTES: int = _environment["WASM_COMPILE_MEMORY_BYTES"]
UNAVAILABLE_RETRY_SECONDS: float = _environment["UNAVAILABLE_RETRY_SECONDS"]
CODE_CACHE_MAX_BYTES: int = _environment["CODE_CACHE_MAX_BYTES"]
CODE_MEMORY_MAX_BYTES: int = _environment["CODE_MEMORY_MAX_BYTES"]
RETRY_SCALE: float = _environment["RETRY_SCALE"]
SHUTDOWN_GRACE_SECONDS: float = _environment["SHUTDOWN_GRACE_SECONDS"]
HEARTBEAT_SECONDS: float = _environment["HEARTBEAT_SECONDS"]
LEASE_SECONDS: float = _environment["LEASE_SECONDS"]
LEASE_MAX_RETURNS: int = _environment["LEASE_MAX_RETURNS"]
ETA_HORIZON_SECONDS: float = _environment["ETA_HORIZON_SECONDS"]
RETENTION_DAYS: int = _environment["RETENTION_DAYS"]
INNGEST_FAULT: str = _environment["INNGEST_FAULT"]
SECRET_KEY: str = _environment["SECRET_KEY"] or "dev-mode-only"
SECRET_KEY_FALLBACKS: list[str] = _environment["SECRET_KEY_FALLBACKS"]
INNGEST_DEV_HOST: str = _environment["INNGEST_DEV_HOST"]
INNGEST_DEV_PORT: int = _environment["INNGEST_DEV_PORT"]
DEV_LINES_MAX: int = _environment["DEV_LINES_MAX"]
DEV_TOLD_MAX: int = _environment["DEV_TOLD_MAX"]
DEV_SOCKET: str = _environment["DEV_SOCKET"]
ALLOWED_HOSTS: list[str] = (
    allowed_in_dev(INNGEST_DEV_HOST, _environment["ALLOWED_HOSTS"]) if INNGEST_DEV else _environment["ALLOWED_HOSTS"]
)
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "apps.datastore",
    "apps.event_stream",
    "apps.state",
    "apps.runner",
    "apps.executor",
    "apps.event_api",
    "apps.core_api",
    "apps.devserver",
]
MIDDLEWARE = [
    "apps.core_api.server_kind.ServerKindMiddleware",
    "apps.core_api.errors.JsonErrorsMiddleware",
    "apps.core_api.loopback.LoopbackMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "inngest_server.urls"
ASGI_APPLICATION = "inngest_server.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False

# A statement planned while a queue was empty must not scan it when it holds 100,000 rows: plans go by the indexes.
_OPTIONS = (
    "-c jit=off -c idle_in_transaction_session_timeout=60s -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
)
_target = conninfo_to_dict(DATABASE_URL)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _target.pop("dbname", "inngest"),
        "USER": _target.pop("user", ""),
        "PASSWORD": _target.pop("password", ""),
        "HOST": _target.pop("host", ""),
        "PORT": _target.pop("port", ""),
        # A closed connection goes back to its process's pool; a dead one is found out before it is used.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # A server that vanished without a word is given up within seconds (over TCP).
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            **_target,
            # While the database is away the pool doubles its pauses; giving up early keeps them at two seconds, so that
            # work goes on at once when it is back. A drain that waits here must not seem to hang, so not for long.
            "pool": {"min_size": 0, "max_size": DATABASE_POOL_SIZE, "timeout": 5, "reconnect_timeout": 5},
            # The hot path's few statements run thousands of times a second: bound and prepared by the server.
            "server_side_binding": True,
            "prepare_threshold": 3,
            "options": _OPTIONS,
        },
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.core_api.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core_api.tokens.MayUseApi"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core_api.rendering.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core_api.errors.answer_error",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is one more parameter that nobody reads
}

# `configure_logs` does it, here and in Celery's processes alike.
LOGGING_CONFIG = None
configure_logs(LOG_LEVEL, for_people=INNGEST_DEV)
