"""What of a standard output is the step's output, and what is log."""

import pytest

from drivers import answers
from drivers.contract import Limits
from drivers.stdout import lines_of, split_output


@pytest.mark.parametrize("text", ["1", "null", '"a\\nb"', '{"a": 1}', '{\n  "a": [\n    1\n  ]\n}', "[1,\r\n2]"])
def test_a_whole_json_value_is_the_output_on_however_many_lines(text: str) -> None:
    assert split_output(text.encode()) == ([], text.encode())


def test_blanks_and_a_byte_order_mark_around_json_do_not_count_as_output() -> None:
    assert split_output(b'\xef\xbb\xbf\r\n {"a":1}\r\n\n') == ([], b'{"a":1}')
    data = b'"' + b"x" * 4094 + b'"\n'
    assert answers.completed(split_output(data)[1], Limits(output_bytes=4096)).ok


def test_in_ndjson_the_last_line_is_the_output_and_the_rest_is_log() -> None:
    assert split_output(b'{"at":1}\n{"at":2}\n{"status":200}\n') == (['{"at":1}', '{"at":2}'], b'{"status":200}')


def test_lines_of_any_text_before_a_line_of_json_are_log() -> None:
    assert split_output(b"\nstarting\r\n\n  half way \xff\n\t[1]\n\n") == (
        ["", "starting", "", "  half way \ufffd"],
        b"[1]",
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"hello\n",
        b"two\nlines\n",
        b'{"a":1}\nand then text\n',
        b'{"a":1} {"b":2}',
        b"\xff\xfe\n\x00",
        b'log\n"\xff"',
        b'{\n"a": 1\n',
    ],
)
def test_text_whose_last_line_is_no_json_is_kept_whole_and_byte_for_byte(text: bytes) -> None:
    assert split_output(text) == ([], text)


def test_the_end_of_a_value_that_began_on_an_earlier_line_is_no_value() -> None:
    assert split_output(b'log\n{\n"a": 1\n}\n')[0] == []


def test_json_that_is_nested_too_deep_is_still_the_output() -> None:
    deep = b"[" * 3000 + b"]" * 3000
    lines, output = split_output(b"log\n" + deep + b"\n")
    assert (lines, output) == (["log"], deep)
    outcome = answers.completed(output, Limits())
    assert outcome.error is not None
    assert outcome.error.name == "OutputTooDeep"


def test_a_log_is_split_at_newlines_alone() -> None:
    assert lines_of("a\r\nb\u2028c\x0bd\n\ne".encode()) == ["a", "b\u2028c\x0bd", "", "e"]
    assert lines_of(b"") == []
