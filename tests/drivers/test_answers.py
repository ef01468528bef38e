import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import answers
from drivers.contract import Limits
from drivers.json_text import MAX_DEPTH, NotJSON, TooDeep, _walk, status_of

LIMITS = Limits()

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
layouts = st.sampled_from([None, 1, "\t", "\r\n "])
pieces = st.lists(
    st.sampled_from(
        [
            *[
                *'{}[],:"',
                " ",
                "\n",
                "0",
                "-",
                "1.5",
                "01",
                "1e400000",
                "1e",
                "+1",
                ".5",
                "5.",
                "true",
                "nul",
                "NaN",
                "\\",
            ],
            *[
                '"a"',
                '"status"',
                r'"\ud800"',
                r'"\uD83D\uDE00"',
                r'"\u0000"',
                r'"\x"',
                '"\x01"',
                '"\x7f"',
                "é",
                "\ufeff",
            ],
        ]
    ),
    max_size=12,
).map("".join)


@given(values, layouts, st.booleans())
def test_any_json_comes_out_byte_for_byte(value: object, indent: int | str | None, ascii_only: bool) -> None:
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8; escaped it is the other case
        text = json.dumps(value, indent=indent).encode()
    outcome = answers.completed(text, LIMITS)
    assert outcome.output == text.decode()


@given(st.binary(max_size=200) | pieces.map(lambda text: text.encode()))
def test_any_bytes_are_an_output_that_is_json(data: bytes) -> None:
    outcome = answers.completed(data, LIMITS)
    assert outcome.output is not None
    json.loads(outcome.output)
    if outcome.output != data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace"):
        assert json.loads(outcome.output) == {"body": data.decode(errors="replace")}


@given(pieces)
def test_the_quick_check_and_the_one_for_deep_texts_agree(text: str) -> None:
    def quick() -> object:
        try:
            return status_of(text.encode())
        except NotJSON:
            return "not JSON"

    def thorough() -> object:
        try:
            top = _walk(text)
        except NotJSON:
            return "not JSON"
        return next((float(bytes(raw)) for raw in (top.status, top.status_code) if bytes(raw)[:1].isdigit()), None)

    assert quick() == thorough()


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{'a':1}", "{a:1}", "[1,]", "01", "", " ", "{}{}", "undefined"])
def test_what_only_looks_like_json_becomes_a_body(text: str) -> None:
    assert json.loads(answers.completed(text.encode(), LIMITS).output or "") == {"body": text}


@pytest.mark.parametrize("depth", [900, 1_000, 1_500, MAX_DEPTH])
def test_deep_json_comes_out_byte_for_byte(depth: int) -> None:
    arrays = "[" * depth + "]" * depth
    objects = '{"status":' * depth + "200" + "}" * depth
    for text in (arrays, objects, f'{{"status":404,"a":{"[" * (depth - 1)}"\\ud800"{"]" * (depth - 1)}}}'):
        assert answers.completed(text.encode(), LIMITS).output == text
    assert answers.completed(text.encode(), LIMITS).error is not None


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000, 4_000_000])
def test_json_nested_deeper_than_the_limit_fails_for_good_by_name(depth: int) -> None:
    outcome = answers.completed(b"[" * depth, LIMITS)
    assert outcome.error is not None
    assert outcome.error.name == "OutputTooDeep"
    assert not outcome.retryable
    with pytest.raises(TooDeep):
        status_of(b"[" * depth)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"status":404}', 404),
        ('{"statusCode":404}', 404),
        ('{"status":"x","statusCode":404}', 404),
        ('{"status":200,"statusCode":404}', 200),
        ('{"status":1e400000}', float("inf")),
        ('{"status":-0.5}', -0.5),
        ('{"\\u0073tatus":404}', 404),
        ('{"status":404,"a":"\\udead"}', 404),
        ('{"a":{"status":404}}', None),
        ('[{"status":404}]', None),
        ("404", None),
    ],
)
def test_the_status_is_a_number_at_the_top_of_an_object(text: str, status: float | None) -> None:
    assert status_of(text.encode()) == status


def test_a_byte_order_mark_is_not_part_of_the_output() -> None:
    assert answers.completed(b'\xef\xbb\xbf{"a":1}', LIMITS).output == '{"a":1}'


def test_the_limit_counts_what_is_stored() -> None:
    assert answers.completed(b"\x01" * 100, Limits(output_bytes=500)).error is not None
    assert answers.completed(b"x" * 100, Limits(output_bytes=500)).ok
    assert answers.completed(("é" * 246).encode(), Limits(output_bytes=503)).error is None
    assert answers.completed(("é" * 246).encode(), Limits(output_bytes=502)).error is not None


@given(st.text(st.characters(codec=None), max_size=50))
def test_error_texts_can_be_stored(text: str) -> None:
    outcome = answers.failed(text, text, text, log=text)
    assert outcome.error is not None
    for stored in (outcome.error.name, outcome.error.message, outcome.error.stack, outcome.log):
        assert "\x00" not in stored
        stored.encode()


def test_error_texts_are_capped() -> None:
    error = answers.failed("n" * 10**6, "m" * 10**6, "s" * 10**6).error
    assert error is not None
    assert (len(error.name), len(error.message), len(error.stack)) == (200, 8_000, 32_000)


@pytest.mark.parametrize(
    "data",
    [b"[" + b"1," * 2_000_000 + b"1]", b"[" + b"[]," * 1_300_000 + b'"\\ud800"]', b'"' + b"\\ud800" * 690_000 + b'"'],
    ids=["numbers", "arrays", "surrogates"],
)
def test_the_largest_outputs_are_read_within_a_second_of_cpu(data: bytes) -> None:
    started = time.thread_time()
    assert answers.completed(data, LIMITS).ok
    assert time.thread_time() - started < 1.0
