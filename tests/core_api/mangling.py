"""Archives that were right until someone changed them."""

from hypothesis import strategies as st

from tests.core_api.archiving import PACKERS, function

_MORE = {"a/inngest.json": b"{}", "a/b/c.bin": bytes(range(256)) * 20, "d/empty": b""}
_honest = {kind: pack(function("f", {"index.ts": "x" * 300}) | _MORE) for kind, pack in PACKERS.items()}


@st.composite
def mangled(draw: st.DrawFn) -> tuple[str, bytes]:
    kind = draw(st.sampled_from(list(_honest)))
    body = bytearray(_honest[kind])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        piece = draw(
            st.binary(max_size=8) | st.sampled_from([b"\xff" * 4, b"\0" * 600, b"PK\1\2", b"PK\5\6", b"..", b"/"])
        )
        match draw(st.sampled_from(["put", "insert", "cut", "double"])):
            case "put":
                body[at : at + len(piece)] = piece
            case "insert":
                body[at:at] = piece
            case "cut":
                del body[at : at + draw(st.integers(1, 600))]
            case "double":
                body[at:at] = body[at : at + 512]
    return kind, bytes(body)
