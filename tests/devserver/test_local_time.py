"""The clock of the print, in processes whose settings have set another time zone."""

import os
import subprocess
import sys

import pytest

from apps.devserver import fleet

MOMENT = 1_795_435_424.123  # 2026-11-23, 12:03:44 UTC
SUMMER = 1_782_216_224.0  # 2026-06-23, 12:03:44 UTC
_SHOW = f"from apps.devserver.durations import clock, until; print(clock({MOMENT}), until({SUMMER}, {MOMENT}))"
_OF_SERVER = "import time; print(time.tzname[0])"


def printed(program: str, zone: str | None) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "TZ"}
    variables |= {"INNGEST_DEV": "1"} | ({"TZ": zone} if zone is not None else {})
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=variables, cwd=fleet.PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def after(start: str) -> str:
    return f"{start}\n{_SHOW}\n{_OF_SERVER}"


# Both end where they find that there is no such folder: the settings are loaded by then.
MANAGE = """
import contextlib, sys
sys.argv = ["manage.py", "dev", "/nonexistent"]
with contextlib.suppress(SystemExit):
    import manage
    manage.main()
"""
COMMAND_LINE = """
import contextlib, pathlib
from apps.cli.commands import dev
with contextlib.suppress(dev.Problem):
    dev.dev(pathlib.Path("/nonexistent"))
"""


@pytest.mark.parametrize("start", [MANAGE, COMMAND_LINE], ids=["manage.py", "inngest"])
@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Berlin", "13:03:44.123 Tue 23 Jun 2026 14:03"),
        (":America/New_York", "07:03:44.123 Tue 23 Jun 2026 08:03"),
        ("JST-9", "21:03:44.123 Tue 23 Jun 2026 21:03"),
        ("", "12:03:44.123 Tue 23 Jun 2026 12:03"),
    ],
)
def test_the_clock_is_the_person_s_and_the_server_s_stays_utc(start: str, zone: str, shown: str) -> None:
    assert printed(after(start), zone).splitlines()[-2:] == [shown, "UTC"]


def test_without_a_zone_in_the_environment_it_is_the_system_s() -> None:
    system = printed(f"import time; print(time.strftime('%H:%M:%S', time.localtime({MOMENT})))", None)
    assert printed(after(MANAGE), None).splitlines()[-2].startswith(f"{system}.123")


@pytest.mark.parametrize("zone", ["Nowhere/None", "/nonexistent", "/etc/passwd", "../x"])
def test_a_zone_that_does_not_exist_is_no_fault(zone: str) -> None:
    assert "2026" in printed(after(MANAGE), zone)
