"""Colours of the live print. Without a terminal, the same text has none."""

import zlib

BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN = "1", "2", "31", "32", "33", "34", "36"
_OF_RUNS = (39, 208, 141, 77, 205, 178, 44, 209, 111, 149, 176, 73)


class Paint:
    """Paints, or leaves as it is."""

    def __init__(self, coloured: bool) -> None:
        self.coloured = coloured

    def __call__(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.coloured and text else text


def of_run(tag: str) -> str:
    """The colour by which an eye finds the lines of one run."""
    return f"38;5;{_OF_RUNS[zlib.crc32(tag.encode(errors='replace')) % len(_OF_RUNS)]}"
