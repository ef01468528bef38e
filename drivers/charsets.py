"""The text of an answer's body, in the charset that its content type names."""

import re

_CHARSET = re.compile(r';\s*+charset\s*+=\s*+"?([\w.:+-]{1,40})', re.ASCII | re.IGNORECASE)
"""Read by this, and not by `email`: that takes a quadratic time to a hostile header, and has codecs read its names."""

_OF_TEXTS = re.compile(
    r"utf-?8|utf-?16(?:-?[bl]e)?|(?:us-)?ascii|iso-?8859-\d{1,2}|latin-?\d{1,2}|windows-125\d|cp125\d|koi8-[rtu]"
    r"|gb18030|gbk|gb2312|big5|shift-?jis|euc-?(?:cn|jp|kr)|euc-jis(?:-2004|x0213)"
)
"""Python has more codecs, and takes their names from anyone: of them, punycode takes an hour to 4 MB, and
unicode_escape and utf-7 give lone surrogates, which no JSON holds."""


def text_of(body: bytes, content_type: str) -> str:
    """Without lone surrogates; what is not of the charset becomes U+FFFD. UTF-8 unless a charset of texts is named."""
    named = _CHARSET.search(content_type)
    charset = named[1].lower().replace("_", "-") if named else "utf-8"
    if _OF_TEXTS.fullmatch(charset):
        try:
            return body.decode(charset, errors="replace")
        except LookupError:  # it is not among Python's, such as iso-8859-12
            pass
    return body.decode(errors="replace")
