"""Texts that others wrote, made fit to be shown and kept: their control characters would steer a person's terminal, and
their line breaks forge lines of a log."""

MOST_CHARS = 500

_REPLACED = "\ufffd"


def one_line(text: str, most: int = MOST_CHARS) -> str:
    """One printable line of at most `most` characters; NUL, ESC, lone surrogates and their like become U+FFFD."""
    # Only the beginning is looked at: the text may be megabytes.
    line = " ".join(text[: 4 * most].split())
    shown = "".join(character if character.isprintable() else _REPLACED for character in line)
    return shown if len(shown) <= most and len(text) <= 4 * most else shown[: most - 1] + "…"
