import socket

import pytest

from apps.devserver import ports
from apps.devserver.addresses import Address, address_of
from apps.devserver.banner import banner
from apps.devserver.faults import CannotStart
from inngest_server.dev_hosts import LOOPBACK, allowed_in_dev


@pytest.mark.parametrize(
    ("host", "url", "own"),
    [
        ("127.0.0.1", "http://localhost:8288", "http://127.0.0.1:8288"),
        ("localhost", "http://localhost:8288", "http://127.0.0.1:8288"),
        ("::1", "http://[::1]:8288", "http://[::1]:8288"),
        ("[::1]", "http://[::1]:8288", "http://[::1]:8288"),
        ("0.0.0.0", "http://localhost:8288", "http://127.0.0.1:8288"),
        ("::", "http://localhost:8288", "http://[::1]:8288"),
        ("192.0.2.7", "http://192.0.2.7:8288", "http://192.0.2.7:8288"),
    ],
)
def test_an_address_says_how_it_is_reached(host: str, url: str, own: str) -> None:
    address = address_of(host, 8288)
    assert (address.url, address.own_url) == (url, own)


def test_a_host_that_nobody_knows_is_a_sentence() -> None:
    with pytest.raises(CannotStart, match=r"The host 'no\.such\.invalid' is not known"):
        address_of("no.such.invalid", 8288)


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(CannotStart, match=r"192\.0\.2\.7 is no address of this machine"):
        ports.is_free(8288, Address("192.0.2.7", 8288))


def test_a_port_that_is_taken_on_this_address_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not ports.is_free(port, Address("127.0.0.1", port))
        assert not ports.is_free(port, Address("0.0.0.0", port))


@pytest.mark.parametrize(
    ("host", "named", "more"),
    [
        ("127.0.0.1", [], []),
        ("::1", [], []),
        ("0.0.0.0", [], []),
        ("0.0.0.0", ["dev.example", "*"], ["dev.example"]),
        ("192.0.2.7", ["dev.example"], ["dev.example", "192.0.2.7"]),
        ("2001:db8::7", [], ["[2001:db8::7]"]),
    ],
)
def test_in_dev_mode_only_names_that_were_meant_are_answered(host: str, named: list[str], more: list[str]) -> None:
    assert allowed_in_dev(host, named) == [*LOOPBACK, *more]


def test_the_banner_says_who_may_run_code_here() -> None:
    from pathlib import Path

    def text(host: str) -> str:
        return banner(Address(host, 8288), Path("/f"), Path("/d"), coloured=False)

    assert "whoever" not in text("127.0.0.1")
    assert "INNGEST_DEV=1\n" in text("127.0.0.1")
    assert "Listening on every address of this machine, port 8288: whoever reaches it can run code here" in text(
        "0.0.0.0"
    )
    assert "by the names in ALLOWED_HOSTS alone" in text("0.0.0.0")
    assert "It answers other machines as 192.0.2.7" in text("192.0.2.7")
    assert "INNGEST_DEV=http://192.0.2.7:8288" in text("192.0.2.7")
    assert "/api/docs" in text("127.0.0.1")
