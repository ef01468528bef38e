"""The text of an expression as tokens."""

import re
from typing import NamedTuple

from apps.expressions.errors import SourceFault

_RAW = r"(?:[rR][bB]?|[bB][rR])"
_TOKEN = re.compile(
    rf"""
    (?P<space>(?:[\t\n\f\r ]|//[^\n]*)+)
  | (?P<text>{_RAW}(?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|"[^"\n\r]*+"|'[^'\n\r]*+')
      | [bB]?(?:\"\"\"(?:[^\\"]|\\(?s:.)|"(?!""))*+\"\"\"|'''(?:[^\\']|\\(?s:.)|'(?!''))*+'''
               |"(?!"")(?:[^"\\\n\r]|\\.)*+"|'(?!'')(?:[^'\\\n\r]|\\.)*+'|""|''))
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|[0-9]+[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<sign>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{{}}])
    """,
    re.VERBOSE,
)
_HINTS = {
    "=": '"=" is not an operator (did you mean "=="?)',
    "&": '"&" is not an operator (did you mean "&&"?)',
    "|": '"|" is not an operator (did you mean "||"?)',
    '"': "the text has no closing quote",
    "'": "the text has no closing quote",
    "`": "a name in backquotes has letters, digits, spaces and _ . - / only, and a closing quote",
}


class Token(NamedTuple):
    kind: str
    """`text`, `number`, `name`, `quoted`, `sign` or `end`."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokenize(text: str, start: int = 0, in_braces: bool = False) -> list[Token]:
    """All tokens, then one of kind `end`. Raises SourceFault.

    With `in_braces` the expression ends before the first `}` that it has not itself opened.
    """
    tokens: list[Token] = []
    position, depth = start, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SourceFault(_HINTS.get(text[position]) or f"unexpected {text[position]!a}", position)
        token = Token(match.lastgroup or "", match[0], position)
        if token.text == "{" and in_braces:
            depth += 1
        elif token.text == "}" and in_braces:
            depth -= 1
            if depth < 0:
                break
        if token.kind != "space":
            tokens.append(token)
        position = match.end()
    tokens.append(Token("end", "", position))
    return tokens
