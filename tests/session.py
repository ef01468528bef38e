"""A pytest plugin (`-p tests.session`): PostgreSQL and Valkey run before Django is loaded.

With `-n 2`, each of the two processes that run tests has its own; the one that only hands tests out has none.
"""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.services import SessionServices

_services = pytest.StashKey[SessionServices]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, to run before pytest-django's own, which reads the settings, and before conftests that read models."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell starts what it runs in the background; what we start would ignore the Ctrl-C that is tested.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    asked = early_config.known_args_namespace
    hands_out = getattr(asked, "numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ
    if not (asked.help or asked.version or hands_out):
        services = SessionServices()
        early_config.stash[_services] = services
        services.start()
    elif not (asked.help or asked.version):
        # Django's settings are read here, too, though nothing is asked of what they name.
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inngest_server.settings")
        os.environ.setdefault("INNGEST_DEV", "1")
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Runs at the end of every session, also one that Ctrl-C ended."""
    services = config.stash.get(_services, None)
    if services is not None:
        services.stop()
