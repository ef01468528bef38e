from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.private_addresses import is_within, kind_of

PRIVATE_BLOCKS = [
    *[("127.0.0.0", 8), ("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("169.254.0.0", 16), ("0.0.0.0", 8)],
    *[("100.64.0.0", 10), ("224.0.0.0", 4), ("240.0.0.0", 4), ("198.18.0.0", 15)],
]
FORMS = [0xFFFF << 32, 0x64FF9B << 96]
"""Where IPv6 has IPv4 in its last bits: mapped, NAT64."""


@st.composite
def private_ipv4(draw: st.DrawFn) -> IPv4Address:
    start, length = draw(st.sampled_from(PRIVATE_BLOCKS))
    return IPv4Address(int(IPv4Address(start)) + draw(st.integers(0, 2 ** (32 - length) - 1)))


@given(private_ipv4())
def test_an_address_of_a_private_block_is_private_in_every_form(address: IPv4Address) -> None:
    assert kind_of(str(address)) is not None
    for form in FORMS:
        assert kind_of(str(IPv6Address(form + int(address)))) is not None
    sixtofour = IPv6Address((0x2002 << 112) + (int(address) << 80) + 1)
    compatible = IPv6Address(int(address))
    assert kind_of(str(sixtofour)) is not None
    assert kind_of(str(compatible)) is not None


@given(st.ip_addresses(v=4))
def test_no_address_is_public_that_python_knows_as_special(address: IPv4Address) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    assert not special or kind_of(str(address)) is not None
    assert kind_of(str(IPv6Address((0xFFFF << 32) + int(address)))) == kind_of(str(address))


@given(st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_is_public(address: IPv6Address) -> None:
    stands_for_ipv4 = address.ipv4_mapped is not None or address in IPv6Network("64:ff9b::/96")
    if kind_of(str(address)) is None and not stands_for_ipv4:
        assert address in IPv6Network("2000::/3")
        assert not address.is_private


@given(private_ipv4(), st.sampled_from(FORMS))
def test_what_is_allowed_is_allowed_in_every_form(address: IPv4Address, form: int) -> None:
    network = (f"{address}/24",)
    assert is_within(str(address), network)
    assert is_within(str(IPv6Address(form + int(address))), network)
    assert not is_within(str(address), ("::/0",))
    assert not is_within(str(IPv6Address(form + int(address))), ("::/0",))
    assert not is_within(str(address), ())


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        *[("127.0.0.1", "IPv4, this machine itself"), ("127.255.255.254", "IPv4, this machine itself")],
        *[("0.0.0.0", "IPv4, this machine itself"), ("169.254.169.254", "IPv4, link-local")],
        *[("10.1.2.3", "IPv4, a private network"), ("172.31.255.255", "IPv4, a private network")],
        *[("192.168.0.1", "IPv4, a private network"), ("100.127.255.255", "IPv4, carrier-grade NAT")],
        *[("224.0.0.1", "IPv4, multicast"), ("255.255.255.255", "IPv4, broadcast"), ("250.0.0.1", "IPv4, reserved")],
        *[("203.0.113.9", "IPv4, for documentation"), ("198.19.0.1", "IPv4, for benchmarks")],
        *[
            ("::1", "IPv6, this machine itself"),
            ("::", "IPv6, this machine itself"),
            ("fe80::1%lo", "IPv6, link-local"),
        ],
        *[
            ("fd00::1", "IPv6, a private network"),
            ("fec0::1", "IPv6, a private network"),
            ("ff02::1", "IPv6, multicast"),
        ],
        *[("::ffff:127.0.0.1", "IPv4, this machine itself"), ("::ffff:10.0.0.1", "IPv4, a private network")],
        *[("64:ff9b::a9fe:a9fe", "IPv4, link-local"), ("2002:7f00:1::", "IPv4, this machine itself")],
        *[
            ("64:ff9b:1::a00:1", "IPv6, reserved"),
            ("::127.0.0.1", "IPv6, reserved"),
            ("::ffff:0:a00:1", "IPv6, reserved"),
        ],
        *[("2001:0:a00:1::1", "IPv6, a Teredo tunnel"), ("2001:db8::1", "IPv6, for documentation")],
        *[("8.8.8.8", None), ("172.32.0.1", None), ("100.128.0.1", None), ("192.0.1.1", None), ("11.0.0.1", None)],
        *[("2606:4700::1111", None), ("::ffff:8.8.8.8", None), ("64:ff9b::808:808", None), ("2002:808:808::1", None)],
    ],
)
def test_an_address_is_told_by_its_block(address: str, kind: str | None) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize("address", ["localhost", "", "127.1", "0x7f.0.0.1"])
def test_only_an_address_in_numbers_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        kind_of(address)
