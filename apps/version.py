"""The version of the server and of its command, in one place: `pyproject.toml` and the APIs read it here."""

VERSION = "0.1.0"
