"""Faults have the line of what is wrong, in JSON and in YAML."""

import json
import time
from collections.abc import Iterator

import yaml
from hypothesis import given
from hypothesis import strategies as st

from apps.datastore.definition import read_document
from apps.datastore.definition.faults import at
from apps.datastore.definition.positions import lines_in_json, lines_in_yaml

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(['a"b', "\\", "[{", "}],:", "\n\n", "é\u2028", "//"])
)
NAMES = st.sampled_from(["a", "b", "c d", "e.f", '"', "\\n", "\n", "[0]", "é", "", "$"]) | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=25
)
GAPS = st.lists(st.sampled_from(["", " ", "\n", "\r\n", "\t", "\n\n  "]), min_size=1, max_size=40)


class Writer:
    """Writes JSON with any white space between its parts, and knows on which line each path came to be."""

    def __init__(self, gaps: list[str], escape: bool) -> None:
        self.text = ""
        self.lines: dict[str, int] = {}
        self._gaps = gaps
        self._escape = escape
        self._taken = 0

    def put(self, part: str) -> None:
        self.text += part + self._gaps[self._taken % len(self._gaps)]
        self._taken += 1

    def here(self, path: str) -> None:
        self.lines[path] = self.text.count("\n") + 1

    def scalar(self, value: object) -> None:
        self.put(json.dumps(value, ensure_ascii=self._escape))

    def value(self, value: object, path: str) -> None:
        if isinstance(value, dict):
            self.put("{")
            for index, (name, inner) in enumerate(value.items()):
                if index:
                    self.put(",")
                self.here(at(path, name))
                self.scalar(name)
                self.put(":")
                self.value(inner, at(path, name))
            self.put("}")
        elif isinstance(value, list):
            self.put("[")
            for index, inner in enumerate(value):
                if index:
                    self.put(",")
                self.here(at(path, index))
                self.value(inner, at(path, index))
            self.put("]")
        else:
            self.scalar(value)


@given(DOCUMENTS, GAPS, st.booleans(), st.booleans())
def test_every_path_of_a_json_document_has_its_line(value: object, gaps: list[str], escape: bool, bom: bool) -> None:
    writer = Writer(gaps, escape)
    writer.put("\ufeff" if bom else "")
    writer.here("$")
    writer.value(value, "$")
    assert read_document(writer.text, "inngest.json") == value
    assert lines_in_json(writer.text, set(writer.lines)) == writer.lines


@given(DOCUMENTS, st.booleans())
def test_every_path_of_a_yaml_document_is_on_the_line_on_which_it_is_written(value: object, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=False, sort_keys=False)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    expected = dict(_composed(root, "$", root.start_mark.line + 1))
    assert lines_in_yaml(text, set(expected)) == expected


def _composed(node: yaml.Node, path: str, line: int) -> Iterator[tuple[str, int]]:
    yield path, line
    if isinstance(node, yaml.MappingNode):
        for name, inner in node.value:
            yield from _composed(inner, at(path, name.value), name.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, inner in enumerate(node.value):
            yield from _composed(inner, at(path, index), inner.start_mark.line + 1)


def test_what_is_not_there_is_where_what_lacks_it_is() -> None:
    paths = ["$.steps.a.runtime", "$.steps.a.retries.attempts", "$.name", '$.steps["b c"].x', "$.steps.none[3].x"]
    text = '{\n "steps":\n {\n"a": {"retries": 3},\n "b c":\n [1]}\n}'
    found = lines_in_json(text, paths)
    assert found == dict(zip(paths, [4, 4, 1, 5, 2], strict=True))
    text = 'steps:\n  a:\n    retries: 3\n  "b c":\n    - 1\n'
    found = lines_in_yaml(text, paths)
    assert found == dict(zip(paths, [2, 3, 1, 4, 1], strict=True))


def test_a_long_name_is_cut_in_a_path_and_found_all_the_same() -> None:
    name = "x" * 500
    assert lines_in_json('{"a": 1,\n"' + name + '": 2}', [at("$", name)]) == {at("$", name): 2}


def test_lines_of_the_largest_documents_are_found_quickly() -> None:
    paths = [f"$.a{n}" for n in range(100)] + ["$[1000].b"]
    for text in ("[" + "1,\n" * 170_000 + "1]", "{" + '"a":{},\n' * 60_000 + '"b":1}', '["' + "\\n" * 250_000 + '"]'):
        began = time.monotonic()
        lines_in_json(text, paths)
        assert time.monotonic() - began < 5
    for text in ("- a\n" * 120_000, "a0: 1\n" * 70_000):
        began = time.monotonic()
        lines_in_yaml(text, paths)
        assert time.monotonic() - began < 10
