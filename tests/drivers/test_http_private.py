"""Private addresses, which steps may not reach unless PRIVATE_NETWORKS lists them."""

import socket

import pytest

from drivers.gateway import GatewayDriver
from drivers.http import HttpDriver
from drivers.sdk import SdkDriver
from tests.drivers.calls import error_of, gateway_call, http_call, run, sdk_call
from tests.drivers.networks import naming, private_networks
from tests.drivers.server import Serve, reply

LISTED = "of the private networks a step may reach only those that the setting PRIVATE_NETWORKS lists"


@pytest.mark.parametrize(
    "host",
    [
        *["127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0", "localhost", "LOCALHOST"],
        *["[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]"],
        *["①②⑦.⓪.⓪.①", "127。0。0。1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1"],
    ],
)
def test_a_private_address_is_refused_for_good_however_it_is_written(http: HttpDriver, serve: Serve, host: str) -> None:
    server = serve(lambda _: reply())
    with private_networks():
        outcome = run(http, http_call(f"http://{host}:{server.url.rpartition(':')[2]}/", timeout=5.0))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) in (("PrivateAddress", False), ("HttpConnectionError", True))
    # A spelling that this machine's resolver does not know leads nowhere.
    assert name == "PrivateAddress" or "gaierror" in message or "does not appear" in message
    assert server.connections == 0


@pytest.mark.parametrize("host", ["localhost.", "127.0.0.1.", "foo.localhost"])
def test_a_name_that_may_mean_this_machine_never_gets_there(http: HttpDriver, serve: Serve, host: str) -> None:
    server = serve(lambda _: reply())
    with private_networks():
        assert not run(http, http_call(f"http://{host}:{server.url.rpartition(':')[2]}/")).ok
    assert server.connections == 0


def test_the_failure_names_the_host_its_kind_and_the_setting(http: HttpDriver) -> None:
    with private_networks():
        outcome = run(http, http_call("http://localhost/x?token=secret"))
    message = f"POST http://localhost/x failed: localhost is at a private address (IPv4, this machine itself); {LISTED}"
    assert error_of(outcome)[1].replace("IPv6", "IPv4") == message


def test_a_listed_network_is_reached_and_its_neighbours_are_not(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply())
    with private_networks("10.0.0.0/8", "127.0.0.1/32"):
        assert run(http, http_call(server.url)).ok
        assert error_of(run(http, http_call(server.url.replace("127.0.0.1", "127.0.0.2"))))[0] == "PrivateAddress"


def test_a_connection_kept_from_other_settings_is_not_used(http: HttpDriver, serve: Serve) -> None:
    server = serve(lambda _: reply())
    assert run(http, http_call(server.url)).ok
    with private_networks():
        assert error_of(run(http, http_call(server.url)))[0] == "PrivateAddress"
    assert run(http, http_call(server.url)).ok
    assert server.connections == 1


def test_of_a_names_addresses_only_those_that_may_be_reached_are_tried(
    http: HttpDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = naming(monkeypatch, "both.example", "127.0.0.1", "127.0.0.2")
    with socket.create_server(("127.0.0.1", 0)) as private, private_networks("127.0.0.2/32"):
        port = private.getsockname()[1]
        name, message = error_of(run(http, http_call(f"http://both.example:{port}/")))
        assert (name, "Connection refused" in message) == ("HttpConnectionError", True)
        private.setblocking(False)
        with pytest.raises(BlockingIOError):
            private.accept()
    assert asked == ["both.example"]  # once: what was checked is what was connected to


@pytest.mark.parametrize("op", ["Gateway", "AIGateway"])
def test_requests_in_a_steps_stead_are_guarded(gateway: GatewayDriver, serve: Serve, op: str) -> None:
    server = serve(lambda _: reply())
    with private_networks():
        outcome = run(gateway, gateway_call(op, {"url": server.url}))
    assert (error_of(outcome)[0], outcome.retryable, server.connections) == ("PrivateAddress", False, 0)


def test_a_redirect_to_a_private_address_is_refused(gateway: GatewayDriver, http: HttpDriver, serve: Serve) -> None:
    inside = serve(lambda _: reply())
    where = inside.url.replace("127.0.0.1", "127.0.0.2")
    server = serve(lambda _: reply(b"", "307 x", f"location: {where}"))
    with private_networks("127.0.0.1/32"):
        outcome = run(gateway, gateway_call("Gateway", {"url": server.url}))
    assert error_of(outcome)[0] == "PrivateAddress"
    assert inside.connections == 0


def test_apps_may_be_in_the_private_network(sdk: SdkDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"{}", "200 OK", "x-inngest-sdk: js:v3"))
    with private_networks():
        assert run(sdk, sdk_call(server.url)).ok


def test_proxies_of_the_environment_are_not_used(
    http: HttpDriver, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(lambda _: reply()), serve(lambda _: reply())
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert run(http, http_call(server.url)).ok
    assert proxy.connections == 0
