"""One way of logging for every process: lines for people in dev mode, JSON lines outside it."""

import logging
import sys

import structlog


def configure_logs(level: str, for_people: bool) -> None:
    """Send everything that is logged at `level` or above to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
    ]
    final: list[structlog.typing.Processor]
    if for_people:
        final = [structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)]
    else:
        final = [structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()]
        shared.insert(0, structlog.stdlib.add_logger_name)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    if for_people:
        for name in ("celery", "django_celery_beat"):
            logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # Every 4xx is the client's business; of connections and messages we say ourselves what matters.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    for name in (
        "psycopg.pool",
        "celery.worker.strategy",
        "celery.app.trace",
        "celery.beat",
        "kombu",
        "asyncio",
        "watchfiles",
    ):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
