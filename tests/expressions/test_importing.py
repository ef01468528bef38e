"""Every worker imports the package, so it brings little along."""

import subprocess
import sys

LOADED = "import sys, apps.expressions; print(*sorted({name.split('.')[0] for name in sys.modules}))"


def test_the_package_is_pure_and_loads_regular_expressions_only_when_one_is_used() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.split()
    assert "msgspec" in loaded
    assert {"django", "celery", "psycopg", "re2"}.isdisjoint(loaded)
