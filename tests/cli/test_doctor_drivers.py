"""What `inngest doctor` says of the runtimes that installed packages bring."""

import pytest

from apps.cli.doctor.drivers import check_drivers
from drivers import plugins


def test_a_package_whose_driver_cannot_be_used_is_a_warning_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    (runtimes,) = check_drivers()
    assert (runtimes.level, runtimes.found) == ("ok", "http, typescript, wasm, docker")
    monkeypatch.setattr(plugins, "installed", lambda ours: {"cobol": "cobol_steps cannot be imported: no such thing"})
    _, broken = check_drivers()
    assert (broken.level, broken.name) == ("warning", "runtime cobol")
    assert broken.found == "the runtime 'cobol' cannot be used: cobol_steps cannot be imported: no such thing"
