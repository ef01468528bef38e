"""The runtimes that steps may have, and what is wrong with those that installed packages bring."""

from apps.cli.doctor.finding import Finding, ok, warning

_TO_DO = "install the package anew, or remove it; docs/adding-a-driver.md says what a driver is"


def check_drivers() -> list[Finding]:
    from drivers.registry import declarable, problems

    broken = [warning(f"runtime {name}", problem, _TO_DO) for name, problem in sorted(problems().items())]
    return [ok("runtimes", ", ".join(declarable())), *broken]
