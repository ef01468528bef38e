"""URLs in texts for people, without the names and passwords in them: those are secrets of the app's."""

import re

_USERINFO = re.compile(r"(?<=://)[^\s/?#]*@")


def without_secrets(text: str) -> str:
    """The text, each of its URLs without what stands before an `@`."""
    return _USERINFO.sub("", text) if "@" in text else text
