import pytest

from drivers.signing import bearer_of, canonical, sign, verify, without_prefix

KEY = "signkey-prod-" + "0123456789abcdef" * 4
AT = 1_767_225_600
BODY = b'{"a":"\xc3\xa9","b":1}'
SIGNATURE = "7bb065bb469ad5bc45fed563a0fb890a1eeaac402fdfde7242df5db1f3c0f070"
"""What the Python SDK makes of the same body, key and time."""


def test_a_signature_is_the_one_that_an_sdk_expects() -> None:
    assert canonical(b'{"b":1.0,"a":"\xc3\xa9"}') == BODY
    assert sign(BODY, KEY, AT) == f"t={AT}&s={SIGNATURE}"


def test_a_signature_of_ours_is_verified_until_it_is_five_minutes_old() -> None:
    header = sign(BODY, KEY, AT)
    assert [verify(BODY, header, KEY, AT + late) for late in (-301, -300, 0, 300, 301)] == [
        *[False, True, True, True, False]
    ]
    assert verify(BODY, header, KEY, AT + 301, tolerance=1000)


@pytest.mark.parametrize(
    ("body", "header", "key"),
    [
        (BODY + b" ", f"t={AT}&s={SIGNATURE}", KEY),
        (BODY, f"t={AT}&s={SIGNATURE}", KEY.replace("0", "1")),
        (BODY, f"t={AT + 1}&s={SIGNATURE}", KEY),
        (BODY, f"t={AT}&s={SIGNATURE[:-1]}", KEY),
        (BODY, f"t={AT}&s={SIGNATURE}&s=x", KEY),
        (BODY, f"t=\u0661&s={SIGNATURE}", KEY),
        (BODY, f"s={SIGNATURE}", KEY),
        (BODY, "", KEY),
    ],
    ids=["other body", "other key", "other time", "cut", "more", "odd digits", "no time", "none"],
)
def test_what_was_not_signed_is_not_verified(body: bytes, header: str, key: str) -> None:
    assert not verify(body, header, key, AT)


def test_the_environments_name_in_a_key_does_not_sign() -> None:
    assert sign(BODY, KEY.replace("prod", "my_branch"), AT) == sign(BODY, KEY, AT)
    assert without_prefix(KEY) == without_prefix(without_prefix(KEY)) == "0123456789abcdef" * 4


def test_a_bearer_tells_the_environment_but_not_the_key() -> None:
    assert bearer_of(KEY) == "signkey-prod-4884fdaafea47c29fea7159d0daddd9c085d6200e1359e85bb81736af6b7c837"


def test_a_key_that_is_not_hex_has_no_bearer() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        bearer_of("signkey-prod-xyz")
