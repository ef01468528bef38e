"""The end of standard error, in an error: never the rest of a line whose beginning is not there, which may hold a part
of a secret that no redaction knows."""

import struct

import pytest

from drivers.contract import Limits
from drivers.docker_output import Output
from drivers.wasm_host import Host

SECRET = "sk_live_" + "0123456789abcdef" * 4


def of_docker(said: str) -> list[str]:
    output, data = Output(Limits()), said.encode()
    for at in range(0, len(data), 1_000):
        piece = data[at : at + 1_000]
        output.take(struct.pack(">BxxxL", 2, len(piece)) + piece)
    return output.last_words()


def of_wasm(said: str) -> list[str]:
    host = Host(b"", Limits(), lambda: None)
    host._to_stderr(said.encode())
    return host.last_words


@pytest.mark.parametrize(("last_words", "most"), [(of_docker, 4 * 1024), (of_wasm, 2_000)])
def test_a_line_that_is_cut_is_no_last_word(last_words: object, most: int) -> None:
    assert callable(last_words)
    for cut in range(1, len(SECRET)):
        left = most - cut
        line = f"token={SECRET}"
        assert last_words(line + "x" * left) == []
        assert last_words(f"{line}{'x' * (left - 5)}\nlast") == ["last"]
    assert last_words("first\nsecond\n\n") == ["first", "second"]
    assert last_words("\n" * 2 + "x" * (most - 2)) == ["x" * (most - 2)]
