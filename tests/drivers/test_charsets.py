import time

import pytest

from drivers.charsets import text_of


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        *[("utf-8", "utf-8"), ("UTF8", "utf-8"), ("utf-16", "utf-16"), ("utf-16le", "utf-16-le")],
        *[("iso-8859-1", "latin-1"), ("latin-1", "latin-1"), ("ISO_8859-15", "iso-8859-15")],
        *[("windows-1252", "cp1252"), ("koi8-r", "koi8-r"), ("windows-1251", "cp1251")],
        *[("gbk", "gbk"), ("gb18030", "gb18030"), ("big5", "big5")],
        *[("Shift_JIS", "shift_jis"), ("euc-jp", "euc-jp"), ("euc-kr", "euc-kr")],
    ],
)
def test_a_charset_of_texts_is_read(charset: str, encoding: str) -> None:
    text = {"koi8-r": "дом", "windows-1251": "дом", "gbk": "中文", "gb18030": "中文", "big5": "中文"}.get(
        charset, "日本" if charset in ("Shift_JIS", "euc-jp") else "plain"
    )
    for kind in (f"text/plain; charset={charset}", f'text/plain;a=b; Charset="{charset}";x=y'):
        assert text_of(text.encode(encoding), kind) == text


@pytest.mark.parametrize(
    "charset",
    [
        *["punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape", "utf-7", "utf_7", "idna"],
        *["hex", "rot13", "undefined", "utf-32", "iso-8859-99"],
        *["no-such", "", "\x00", "../x", "utf-8" * 50, "charmap", "zlib"],
    ],
)
def test_any_other_charset_is_read_as_utf_8(charset: str) -> None:
    body = "ü \\ud800 +2AA- ".encode() + b"\xff"
    assert text_of(body, f"text/plain; charset={charset}") == "ü \\ud800 +2AA- \ufffd"


def test_no_charset_gives_half_a_surrogate_pair() -> None:
    bodies = [
        *["\ud800x".encode(name, "surrogatepass") for name in ("utf-8", "utf-16", "utf-16-le", "utf-16-be")],
        *[bytes(range(256)), b"\\ud800", b"+2AA-"],
    ]
    names = ["utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "gb18030", "gbk", "big5", "shift_jis", "euc-jp"]
    for name in [*names, "euc-kr", "koi8-u", *[f"iso-8859-{n}" for n in range(1, 17)]]:
        for body in bodies:
            text_of(body, f"text/plain; charset={name}").encode()


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain; charset=punycode",
        "text/plain; charset*=punycode''" + "a9" * 100_000,
        'text/plain; a="' + ";" * 250_000,
        "text/plain" + "; charset " * 25_000,
        "text/plain;" + " " * 250_000,
    ],
)
def test_no_content_type_makes_reading_slow(kind: str) -> None:
    began = time.process_time()
    text_of(b"a9" * 1_000_000, kind)
    assert time.process_time() - began < 1.0
