"""A pytest plugin (`-p tests.session`): PostgreSQL and Valkey run before Django is loaded."""

from collections.abc import Iterator

import pytest

from tests.services import SessionServices

_services = pytest.StashKey[SessionServices]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, to run before pytest-django's own, which reads the settings, and before conftests that read models."""
    if not (early_config.known_args_namespace.help or early_config.known_args_namespace.version):
        services = SessionServices()
        early_config.stash[_services] = services
        services.start()
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Runs at the end of every session, also one that Ctrl-C ended."""
    services = config.stash.get(_services, None)
    if services is not None:
        services.stop()
