import socket

import pytest

from apps.devserver import discovering
from apps.devserver.app_addresses import PATHS
from apps.devserver.discovering import Discovery
from drivers.sdk_sync import Introspection, introspect
from tests.devserver.app_servers import introspection, nothing, serving


def test_an_app_is_found_at_its_port_and_path() -> None:
    with serving(introspection) as served:
        [found] = Discovery([served.port]).look(set())
    assert found.url == served.url()
    assert (found.mode, found.function_count) == ("dev", 1)


def test_each_usual_path_is_tried() -> None:
    def last(method: str, path: str) -> tuple[int, dict[str, str], object]:
        return introspection(method, "/api/inngest") if path == PATHS[-1] else nothing(method, path)

    with serving(last) as served:
        [found] = Discovery([served.port]).look(set())
    assert found.url == served.url(PATHS[-1])
    assert served.asked == [f"GET {path}" for path in PATHS]


def test_a_known_port_is_not_looked_at() -> None:
    with serving(introspection) as served:
        assert Discovery([served.port]).look({served.port}) == []
    assert served.asked == []


def test_another_program_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(nothing) as served:
        discovery = Discovery([served.port])
        for _ in range(3):
            assert discovery.look(set()) == []
        assert len(served.asked) == len(PATHS)
        monkeypatch.setattr(discovering, "_REST_SECONDS", 0.0)
        again = Discovery([served.port])
        again.look(set())
        served.answer = introspection
        assert [found.url for found in again.look(set())] == [served.url()]


def test_a_program_that_speaks_no_http_is_left_alone_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovering, "_ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        discovery = Discovery([silent.getsockname()[1]])
        assert discovery.look(set()) == []
        for _ in ("whether it listens", "what it is"):
            silent.accept()[0].close()
        assert discovery.look(set()) == []
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_closed_ports_are_passed_over() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert Discovery([closed.getsockname()[1]] * 50).look(set()) == []


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_what_listens_on_ipv6_alone_is_found() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        listener.listen()
        assert discovering._listens("[::1]", listener.getsockname()[1])


def test_a_port_at_which_we_fail_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(url: str, timeout: float) -> Introspection:
        if url.startswith(strange.url("")):
            raise RuntimeError("no one thought of it")
        return introspect(url, timeout=timeout)

    monkeypatch.setattr(discovering, "introspect", faulty)
    with serving(introspection) as strange, serving(introspection) as served:
        assert [found.url for found in Discovery([strange.port, served.port]).look(set())] == [served.url()]
