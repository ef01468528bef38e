"""`.dockerignore`: what docker leaves out is left out, in time that no pattern can stretch."""

import itertools
import time

import pytest
from docker.utils.build import Pattern
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.docker_context import build_context, image_name
from drivers.docker_ignore import MOST_CHARS, MOST_PATTERNS, ignoring
from drivers.docker_images import ImageFault
from tests.drivers.calls import bundle

_PART = st.lists(st.sampled_from(["a", "b", "-", "*", "?", "[ab]", "[a-c]", ".", "**"]), min_size=1, max_size=4)
_PATTERN = st.lists(_PART.map("".join), min_size=1, max_size=3).map("/".join).filter(lambda each: ".." not in each)
_LINE = st.builds("{}{}{}".format, st.sampled_from(["", "!"]), st.sampled_from(["", "/"]), _PATTERN)
_PATH = st.lists(st.text("abc-.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


def by_the_sdk(lines: list[str], path: str) -> bool:
    """What the SDK's patterns say of the path and the folders it lies in; the last that matches decides."""
    parts = path.split("/")
    places = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    found = False
    for pattern in map(Pattern, lines):
        if any(map(pattern.match, places)):
            found = not pattern.exclusion
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(_LINE, max_size=5), st.lists(_PATH, min_size=1, max_size=5))
def test_it_ignores_what_the_sdk_does(lines: list[str], paths: list[str]) -> None:
    ignored = ignoring("\n".join(lines).encode())
    for path in paths:
        assert ignored(path) == by_the_sdk(lines, path), path


@pytest.mark.parametrize(
    ("text", "path", "is_ignored"),
    [
        ("# a\n\n  b  \r\n", "b", True),
        ("#a", "#a", False),
        ("\ufeffa", "a", True),
        ("a/", "a", True),
        ("/a", "a/b/c", True),
        ("./a/../b", "b", True),
        (".", "a", False),
        ("A", "a", False),
        ("*.log", "a/b.log", False),
        ("**/*.log", "b.log", True),
        ("**/b", "a/a/b/c/d", True),
        ("a/**", "a", False),
        ("a/**/c", "a/c", True),
        ("*\n!a/b", "a/b/c", False),
        ("!a\n*", "a", True),
        ("! a\n", "a", False),
        ("[^a]", "a", False),
        ("[^a]", "b", True),
        ("\\*", "a", False),
        ("\\*", "*", True),
        ("[\\]-a]", "]", True),
        ("a.c", "abc", False),
        ("a+(b|c){1}$", "a+(b|c){1}$", True),
        ("é?", "éü", True),
    ],
)
def test_it_reads_the_file_as_docker_does(text: str, path: str, is_ignored: bool) -> None:
    assert ignoring(text.encode())(path) is is_ignored


def test_no_pattern_holds_up_the_worker() -> None:
    lines = [f"**/{'*a' * 20}b{number}" for number in range(300)]
    files = {f"{'a' * 80}/{'a' * 200}{number}": "" for number in range(10)}
    started = time.monotonic()
    image_name(bundle({"Dockerfile": "", ".dockerignore": "\n".join(lines), **files}), "Dockerfile")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        *["[", "[]", "[b-a]", "[a-", "a/[", "!"],
        pytest.param("a\n" * (MOST_PATTERNS + 1), id="many"),
        pytest.param("a" * (MOST_CHARS + 1), id="long"),
    ],
)
def test_a_file_that_is_none_fails_for_good(text: str) -> None:
    with pytest.raises(ImageFault, match="dockerignore") as fault:
        image_name(bundle({"Dockerfile": "", ".dockerignore": text}), "Dockerfile")
    assert (fault.value.name, fault.value.retryable) == ("BadDockerignore", False)


def test_the_dockerfile_and_the_file_itself_are_sent_whatever_it_says() -> None:
    name = {
        image_name(bundle({"x/Dockerfile": file, ".dockerignore": "*\n"}), "x/Dockerfile")
        for file in ("FROM a", "FROM b")
    }
    assert len(name) == 2
    sent = build_context(bundle({"Dockerfile": "FROM", ".dockerignore": "**", "a": ""}), "Dockerfile").read()
    assert b".dockerignore\0" in sent
    assert b"Dockerfile\0" in sent
    assert not any(name in sent for name in itertools.chain([b"a\0\0\0"]))
