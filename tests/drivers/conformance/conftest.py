"""The suite runs against each driver of ours, or, with `--subject package.module:Subject`, against another's.

A test that asks of its subject what not every runtime has says so by `@pytest.mark.needs("exiting")`, and is there only
for those that do not lack it.
"""

import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.drivers.subjects.subject import Subject


class _Ours(NamedTuple):
    subject: str
    driver: str
    fixtures: tuple[str, ...] = ()
    """What its subject is made with, besides the driver."""
    marks: tuple[pytest.MarkDecorator, ...] = ()


_OURS = {
    "http": _Ours("tests.drivers.subjects.http:HttpSubject", "drivers.http:HttpDriver"),
    "typescript": _Ours("tests.drivers.subjects.typescript:TypeScriptSubject", "drivers.typescript:TypeScriptDriver"),
    "wasm": _Ours("tests.drivers.subjects.wasm:WasmSubject", "drivers.wasm:WasmDriver"),
    "docker": _Ours(
        "tests.drivers.subjects.docker:DockerSubject",
        "drivers.docker:DockerDriver",
        ("busybox_image",),
        (pytest.mark.docker,),
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--subject", help="run the drivers' conformance suite against this one: package.module:Subject")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(method): the test is for subjects that do not lack the method")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" not in metafunc.fixturenames:
        return
    needs = {name for mark in metafunc.definition.iter_markers("needs") for name in mark.args}
    another = metafunc.config.getoption("--subject", default=None)
    if another:
        lacks = ", ".join(sorted(needs & _load(another).lacks))
        marks = [pytest.mark.skip(reason=f"{another} lacks {lacks}")] if lacks else []
        subjects = [pytest.param(another, marks=marks)]
    else:
        rows = {name: row for name, row in _OURS.items() if not needs & _load(row.subject).lacks}
        subjects = [pytest.param(name, marks=row.marks, id=name) for name, row in rows.items()]
    metafunc.parametrize("subject", subjects, indirect=True, scope="session")


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One for all of its tests, as a worker has one driver for all of its calls."""
    row = _OURS.get(request.param)
    needs = [request.getfixturevalue(name) for name in row.fixtures] if row else []
    made: Subject = _load(row.subject)(_load(row.driver)(), *needs) if row else _load(request.param)()
    yield made
    made.driver.close()
    close = getattr(made, "close", None)
    if close is not None:
        close()


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
