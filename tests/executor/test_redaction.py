"""What a step gives back has no value of its variables, however it is written, and is what it was otherwise."""

import base64
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.executor.json_redaction import canonical
from apps.executor.needles import Needles
from apps.executor.redaction import MANY, UNCLEAR, Redactor, redact
from apps.executor.secret_forms import LEAST_CHARS, MOST_FORMS, forms_of
from drivers.answers import failed
from drivers.contract import Call, Limits, Outcome
from drivers.step_log import StepLog

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\r\n  hkiG9w0BAQEFAASC\nshort\n-----END KEY-----\n"


def redacted(variables: Mapping[str, str], *, limits: Limits | None = None, **fields: Any) -> Outcome:
    call = Call({}, b"{}", "run", "step", env=variables, limits=limits or Limits())
    return redact(Outcome(ok=True, **fields), call)


def in_log(variables: Mapping[str, str], log: str) -> str:
    return redacted(variables, log=log).log


def in_output(variables: Mapping[str, str], output: str) -> str:
    return redacted(variables, output=output).output or ""


def test_without_variables_nothing_is_done() -> None:
    outcome = Outcome(ok=True, output="1", log="log")
    assert redact(outcome, Call({}, b"{}", "run", "step")) is outcome


def test_a_value_is_redacted_in_log_output_and_error() -> None:
    outcome = failed("hush-hush", "it said hush-hush!", "at hush-hush", output='{"hush-hush":["hush-hush",1]}')
    call = Call({}, b"{}", "run", "step", env={"KEY": "hush-hush", "OTHER": "unused value"})
    found = redact(outcome, call)
    assert found.error is not None
    assert (found.error.name, found.error.message) == ("[redacted KEY]", "it said [redacted KEY]!")
    assert found.error.stack == "at [redacted KEY]"
    assert found.output == '{"[redacted KEY]":["[redacted KEY]",1]}'
    assert (found.ok, found.retryable) == (False, True)


def test_a_short_value_stays() -> None:
    assert in_log({"A": "12345"}, "12345 times") == "12345 times"
    assert in_log({"A": "123456"}, "123456 times") == "[redacted A] times"
    assert in_log({"A": ""}, "nothing") == "nothing"


def test_the_longest_value_counts_and_what_overlaps_is_taken_out_whole() -> None:
    variables = {"SHORT": "secret", "LONG": "secret-and-more"}
    assert in_log(variables, "secret-and-more, secret-and, secre") == "[redacted LONG], [redacted SHORT]-and, secre"
    assert in_log({"A": "abcdefgh", "B": "efghijkl"}, "<abcdefghijkl>") == "<[redacted A]>"
    assert in_log({"A": "ababab"}, "<abababab>") == "<[redacted A]>"


def test_each_line_of_a_long_value_is_redacted_on_its_own() -> None:
    log = "1: MIIEvQIBADANBgkq\n2: hkiG9w0BAQEFAASC\n3: short"
    assert in_log({"PEM": PEM}, log) == "1: [redacted PEM]\n2: [redacted PEM]\n3: short"
    assert in_log({"PEM": PEM}, f"all: {PEM}.") == "all: [redacted PEM]."
    assert in_output({"PEM": PEM}, json.dumps([PEM])) == '["[redacted PEM]"]'


@pytest.mark.parametrize("value", ['pass"word\n/\\é😀x', "plain-text", "a+b/c d?e=f%&~"])
def test_a_value_is_known_quoted_and_encoded(value: str) -> None:
    forms = [
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        json.dumps(value).replace("/", "\\/"),
        quote(value, safe=""),
        quote_plus(value),
        quote(value),
    ]
    for form in forms:
        inner = form.strip('"')
        assert inner not in in_log({"A": value}, f"<{form}>")
        assert "[redacted A]" in in_log({"A": value}, f"<{form}>")
        assert in_output({"A": value}, json.dumps(f"<{inner}>")) == '"<[redacted A]>"'


# As others write `pass&<w>ord!'()*"π`: JavaScript's encodeURIComponent and encodeURI, JSON of Go and PHP, JSON in JSON,
# Python's repr, HTML.
@pytest.mark.parametrize(
    "written",
    [
        "pass%26%3Cw%3Eord!'()*%22%CF%80",
        "pass&%3Cw%3Eord!'()*%22%CF%80",
        r"""pass\u0026\u003cw\u003eord!'()*\"π""",
        r"""pass&<w>ord!'()*\"\u03C0""",
        r"""pass&<w>ord!'()*\\\"π""",
        r"""pass&<w>ord!\'()*"π""",
        "pass&amp;&lt;w&gt;ord!&#x27;()*&quot;π",
    ],
)
def test_a_value_is_known_as_other_languages_write_it(written: str) -> None:
    assert in_log({"KEY": "pass&<w>ord!'()*\"π"}, f"<<{written}>>") == "<<[redacted KEY]>>"


@pytest.mark.parametrize("user", ["", "u", "us", "user", "colin"])
def test_a_value_is_known_in_basic_authentication(user: str) -> None:
    password = "correct/horse+battery?"
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{user}:{password}".encode()).decode()
        said = in_log({"A": password}, f"Authorization: Basic {text}")
        assert "[redacted A]" in said
        left = said.removeprefix("Authorization: Basic ").replace("[redacted A]", "")
        assert len(left) <= len(user) * 4 / 3 + 8  # what the user's name and the ends have a part in


def test_escapes_of_every_kind_are_seen_through() -> None:
    value = 'é"\\/\n😀\x7f\x01'
    escaped = "".join(f"\\u{unit:04X}" for unit in _units(value))
    for inner in (escaped, escaped.lower().replace("\\U", "\\u"), json.dumps(value)[1:-1]):
        assert in_output({"A": value}, f'{{"{inner}": ["x{inner}y"]}}') == '{"[redacted A]": ["x[redacted A]y"]}'


def _units(value: str) -> list[int]:
    data = value.encode("utf-16-be")
    return [int.from_bytes(data[place : place + 2]) for place in range(0, len(data), 2)]


def test_an_escape_is_not_taken_apart() -> None:
    output = json.dumps(["\nabcde", "\\nabcde", "\\\\nabcde"])
    assert json.loads(in_output({"A": "nabcde"}, output)) == ["\nabcde", "\\[redacted A]", "\\\\[redacted A]"]
    assert in_output({"A": "u00e9ab"}, r'["\u00e9ab"]') == r'["\u00e9ab"]'


def test_a_number_that_holds_a_value_becomes_a_string() -> None:
    found = in_output({"PIN": "123456"}, '{"a":123456,"b":-9123456.5e3,"c":[1234567],"d":12345}')
    assert found == '{"a":"[redacted PIN]","b":"[redacted PIN]","c":["[redacted PIN]"],"d":12345}'


def test_what_lies_across_strings_is_not_touched() -> None:
    output = '{"a": "b",\n "c": "d"}'
    assert in_output({"A": '": "b",\n "c"'}, output) == output
    assert in_output({"A": '{"a": "b",'}, output) == output


def test_an_output_without_a_value_stays_as_it_was_written() -> None:
    output = '{"a":1e400, "b":"\\u0041\\/", "a":1.0, "half":"\\ud800"}'
    assert in_output({"A": "something"}, output) == output
    assert in_output({"A": "something"}, output[:-1] + ',"c":"something"}') == (
        '{"a":1e400, "b":"A/", "a":1.0, "half":"\\ud800","c":"[redacted A]"}'
    )


def test_the_beginning_of_a_value_where_a_log_was_cut_is_redacted() -> None:
    log = StepLog(20)
    log.add("token: hush-hush-hush")
    text = log.text()
    assert text.startswith("token: hush-hush-hus\n[the log ends here")
    assert in_log({"A": "hush-hush-hush"}, text).startswith("token: [redacted A]\n[the log ends here")
    assert in_log({"A": "hush-hush-hush"}, "token: hush-hush-hus") == "token: hush-hush-hus"
    error = failed("E", "x" * 7_990 + "hush-hush-hush").error
    found = redact(Outcome(ok=False, error=error), Call({}, b"", "", "", env={"A": "hush-hush-hush"})).error
    assert found is not None
    assert found.message == "x" * 7_990 + "[redacted A]…"


def test_a_log_full_of_what_looks_like_its_end_is_read_once() -> None:
    log = "[the log ends here: " * 3_000 + "\n"
    began = time.process_time()
    assert in_log({"KEY": "hush-hush"}, log) == log
    assert time.process_time() - began < 0.5  # it was seconds, in which no other thread ran


def test_no_text_grows_beyond_its_limit() -> None:
    variables = {"A" * 255: "secret"}
    limits = Limits(output_bytes=2_000, log_bytes=2_000)
    found = redacted(variables, limits=limits, output=json.dumps(["secret"] * 199), log="secret " * 250)
    assert found.output == json.dumps(["***"] * 199)
    assert found.log == "*** " * 250
    numbers = in_output({"A" * 255: "123456"}, f"[{','.join(['123456'] * 19_000)}]")
    assert len(numbers) <= Limits().output_bytes
    many = redacted(variables, output=json.dumps("secret" * 30_000), log="secret" * 30_000)
    assert (many.output, many.log) == (json.dumps(MANY), MANY)


def test_what_is_looked_for_has_a_bound() -> None:
    lines = {f"N{number}": "\n".join(f"{number:03}-{line:04}" for line in range(1_000)) for number in range(50)}
    forms = forms_of(lines.items())
    assert len(forms) == MOST_FORMS
    assert set(lines.values()) <= forms.keys()


def test_a_long_value_is_not_looked_for_in_addresses() -> None:
    assert not any("%" in form for form in forms_of([("A", "a b" * 2_000)]))
    assert any("%" in form for form in forms_of([("A", "a b" * 1_000)]))


def test_both_values_of_a_variable_are_redacted_when_the_step_ran_with_another_than_the_calls() -> None:
    call = Call({}, b"{}", "run", "step", env={"KEY": "the-new-one"})
    outcome = Outcome(ok=True, log="the-old-one the-new-one", env={"KEY": "the-old-one"})
    assert redact(outcome, call).log == "[redacted KEY] [redacted KEY]"
    assert redact(outcome, replace(call, env={})).log == "[redacted KEY] the-new-one"
    assert "the-old-one" not in repr(replace(outcome, log=""))


@pytest.mark.parametrize("value", ["a" * 16 + "X", "a" * 65_000 + "b"])
def test_what_comes_close_to_a_value_again_and_again_takes_no_longer(value: str) -> None:
    near = "a" * 400_000
    limits = Limits(log_bytes=len(near) + 100)
    cut = f"{near}\n[the log ends here: "
    found = redacted({"A": value}, limits=limits, output=f'"{near}"', log=cut)
    assert (found.output, found.log) == (f'"{UNCLEAR}"', UNCLEAR)


def test_threads_that_redact_the_same_variables_make_what_they_need_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = Needles.__init__

    def counted(self: Needles, names: Mapping[bytes, str]) -> None:
        made.append(1)
        make(self, names)

    monkeypatch.setattr(Needles, "__init__", counted)
    redactor = Redactor([(f"N{number}", f"{number:08}" * 100) for number in range(200)])
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: redactor.text("00000007" * 100, 1_000), range(8))) == {"[redacted N7]"}
    assert len(made) == 1


# Nothing that is in a marker, or in JSON's own words.
_values = st.text(st.sampled_from('ghk1"\\/\n\té😀 +='), min_size=LEAST_CHARS, max_size=9)
_variables = st.dictionaries(st.sampled_from(["A", "B", "C"]), _values, min_size=1)


@hypothesis_settings(max_examples=60)
@given(_variables, st.data())
def test_no_value_is_left_in_any_decoded_string_and_json_stays_json(variables: dict[str, str], data: Any) -> None:
    piece = st.one_of(
        st.sampled_from(sorted(variables.values())), st.text(st.sampled_from('ghk1"\\/\né😀'), max_size=4)
    )
    texts = st.lists(piece, max_size=4).map("".join)
    document = data.draw(
        st.recursive(texts | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner))
    )
    for output in (
        json.dumps(document),
        json.dumps(document, ensure_ascii=False, indent=1),
        json.dumps(document).replace("/", "\\/"),
        "".join(f"\\u{ord(char):04x}" if char == "g" else char for char in json.dumps(document)),
    ):
        found = in_output(variables, output)
        decoded = json.loads(found)
        for text in _strings(decoded):
            assert not any(value in text for value in variables.values()), (output, found)
        if not any(value in text for value in variables.values() for text in _strings(document)):
            assert len(_strings(decoded)) >= len(_strings(document))
    log = data.draw(texts)
    assert not any(value in in_log(variables, log) for value in variables.values())


def _strings(value: object) -> list[str]:
    """The keys, strings and numbers in it."""
    if isinstance(value, dict):
        return [*value, *(text for one in value.values() for text in _strings(one))]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [str(value)]


@hypothesis_settings(max_examples=60)
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_canonical_json_says_the_same_and_is_written_in_one_way(document: Any) -> None:
    plain = json.dumps(document, ensure_ascii=True).replace("/", "\\/").encode()
    assert json.loads(canonical(plain)) == document
    assert canonical(plain).replace(b" ", b"") == msgspec.json.encode(document).replace(b" ", b"")
