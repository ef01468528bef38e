"""The templates' files: text with `@{name}` where a value goes."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "templates"


class _At(Template):
    """`$` and `{` are the languages' own."""

    delimiter = "@"
    idpattern = r"(?!)"  # only in braces
    braceidpattern = r"[A-Za-z_]+"


def render(name: str, values: Mapping[str, str]) -> str:
    """The text of a template, named without its `.tmpl`. Raises KeyError for a value that is not given."""
    return _At((_FOLDER / f"{name}.tmpl").read_text(encoding="utf-8")).substitute(values)
