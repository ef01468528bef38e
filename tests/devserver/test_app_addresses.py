import pytest

from apps.devserver.app_addresses import is_local, place_of, ports_in, written_out


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("3000", "http://localhost:3000/api/inngest"),
        ("localhost:3000", "http://localhost:3000/api/inngest"),
        ("127.0.0.1:8000/x/inngest", "http://127.0.0.1:8000/x/inngest"),
        ("https://shop.example/", "https://shop.example/api/inngest"),
        ("http://localhost:3000/api/inngest?a=b", "http://localhost:3000/api/inngest?a=b"),
    ],
)
def test_a_url_may_be_written_short(text: str, url: str) -> None:
    assert written_out(text) == url


@pytest.mark.parametrize("text", ["", "ftp://localhost/", "http://", "http://localhost:port/", "http://[::1", "0"])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        written_out(text)


def test_the_names_of_this_machine_are_one_place() -> None:
    hosts = ("localhost", "127.0.0.1", "127.0.1.1", "[::1]", "LOCALHOST", "[::ffff:127.0.0.1]")
    urls = [f"http://{host}:3000/api/inngest" for host in hosts]
    places = {place_of(url) for url in urls}
    [place] = places
    assert place is not None
    assert is_local(place)


@pytest.mark.parametrize("host", ["127.evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "10.0.0.1", "[::2]"])
def test_what_only_looks_like_this_machine_is_another(host: str) -> None:
    place = place_of(f"http://{host}:3000/api/inngest")
    assert place is not None
    assert not is_local(place)


def test_other_ports_paths_and_hosts_are_other_places() -> None:
    urls = ["http://localhost:3000/a", "http://localhost:3001/a", "http://localhost:3000/b", "http://example.com/a"]
    assert len({place_of(url) for url in urls}) == 4
    assert place_of("http://example.com/a") == place_of("http://example.com:80/a")


@pytest.mark.parametrize("url", ["", "ws://connect", "http://localhost:port/"])
def test_what_no_one_can_call_is_no_place(url: str) -> None:
    assert place_of(url) is None


def test_ports_are_given_as_numbers_and_ranges() -> None:
    assert ports_in("3000-3002, 8000,3001") == (3000, 3001, 3002, 8000)


@pytest.mark.parametrize("text", ["", "http", "0", "65536", "1-", "-1"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ports_in(text)
