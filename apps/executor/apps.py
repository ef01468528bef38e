from django.apps import AppConfig


class ExecutorConfig(AppConfig):
    """Ties the worker process's life to Celery's."""

    name = "apps.executor"

    def ready(self) -> None:
        from apps.executor import lifecycle  # noqa: F401 - connects the signals
