"""What the package needs: `requirements.txt`, but the options for pip that stand there. All else: `pyproject.toml`."""

from pathlib import Path

from setuptools import setup

FOR_TESTS = ("pytest",)

lines = (line.strip() for line in Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").splitlines())
setup(install_requires=[line for line in lines if line and not line.startswith(("#", "-", *FOR_TESTS))])
