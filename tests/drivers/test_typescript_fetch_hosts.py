"""Where scripts get to: to the hosts that are listed, and nowhere else."""

import dataclasses

import pytest

from drivers.http_connections import Origin
from drivers.script_hosts import is_listed, shown_host
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of, run, script_call
from tests.drivers.fetching import echo, fetched, not_fetched
from tests.drivers.networks import private_networks
from tests.drivers.server import Serve, reply


@pytest.mark.parametrize(
    ("hosts", "scheme", "host", "port", "listed"),
    [
        *[("example.com", "https", "example.com", 443, True), ("example.com", "http", "example.com", 80, True)],
        *[
            ("Example.COM.", "https", "example.com.", 443, True),
            ("example.com", "https", "www.example.com", 443, False),
        ],
        *[("example.com", "https", "example.com", 8443, False), ("example.com", "http", "example.com", 443, False)],
        *[("example.com", "https", "example.com.evil", 443, False), ("example.com", "https", "xample.com", 443, False)],
        *[
            ("*.example.com", "https", "a.b.example.com", 443, True),
            ("*.example.com", "https", "example.com", 443, False),
        ],
        *[("*.example.com", "https", "evilexample.com", 443, False), ("*", "https", "example.com", 443, False)],
        *[("*.com:8443", "https", "a.com", 8443, True), ("*.com:8443", "https", "a.com", 443, False)],
        *[("localhost:3000", "http", "localhost", 3000, True), ("localhost:3000", "http", "localhost", 80, False)],
        *[("bücher.example", "https", "xn--bcher-kva.example", 443, True), ("a:443", "https", "a", 443, True)],
        *[
            ("[::1]:3000", "http", "0:0::1", 3000, True),
            ("::1", "http", "::1", 80, True),
            ("a..b", "http", "a", 80, False),
        ],
        *[("127.0.0.1", "http", "0x7f.1", 80, False), ("", "http", "example.com", 80, False)],
    ],
)
def test_a_host_is_listed_by_its_name_and_port(hosts: str, scheme: str, host: str, port: int, listed: bool) -> None:
    assert is_listed(Origin(scheme, host, port), ("other.example", hosts)) is listed


def test_a_host_is_shown_as_it_would_be_listed() -> None:
    assert shown_host(Origin("https", "a.example", 443)) == "a.example"
    assert shown_host(Origin("http", "::1", 3000)) == "[::1]:3000"


WHERE = "the step's runtime in inngest.json"


def test_without_hosts_fetch_says_what_to_add(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(echo)
    host = server.url.removeprefix("http://")
    name, message, outcome = not_fetched(typescript, f"await fetch('{server.url}/secret?key=1')")
    assert (name, outcome.retryable) == ("HostNotAllowed", False)
    assert message == f'fetch of {host} is not allowed here: add "hosts": ["{host}"] to {WHERE}'
    assert outcome.error is not None
    assert outcome.error.stack == "    at run (index.ts:2)"
    for url in ("/x", "http://[", "javascript:1"):
        message = not_fetched(typescript, f"await fetch('{url}')")[1]
        assert message == f'fetch is not allowed here: add "hosts": ["api.example.com"] to {WHERE}'
    body = "return [typeof fetch, await fetch('https://a.example').catch((e) => e instanceof TypeError && e.name)]"
    assert fetched(typescript, body) == ["function", "HostNotAllowed"]
    assert server.connections == 0


@pytest.mark.parametrize("hosts", [None, "127.0.0.1", {"127.0.0.1": 1}, [], [1]])
def test_only_a_list_of_hosts_opens_anything(typescript: TypeScriptDriver, serve: Serve, hosts: object) -> None:
    server = serve(echo)
    call = script_call(f"export const run = () => fetch('{server.url}')")
    outcome = run(typescript, dataclasses.replace(call, runtime={"type": "typescript", "hosts": hosts}))
    assert error_of(outcome)[0] == "HostNotAllowed"


@pytest.mark.parametrize(
    "url",
    [
        *["http://HOST/", "//HOST/", "http://u:p@HOST/", "http://LISTED@HOST/", "http://LISTED:80@HOST/"],
        *["http://LISTED\\\\@HOST/", "http://HOST\\\\@LISTED/", "http://LISTED#@HOST/", "http://LISTED?@HOST/"],
        *["http:\\\\\\\\HOST/", "http:/HOST/", "http:HOST/", "http://LISTED.HOST/", "http://HOST#LISTED", "HOST"],
        *["http://LISTED%40HOST/", "http://LISTED\\n@HOST/", "http://LISTED\\t.HOST/", "http://LIS\\u2024TED@HOST/"],
        *["http://LISTED\\u0000@HOST/", "http://[LISTED]@HOST/", "http://LISTED:HOST/", "http://LISTED%2f@HOST"],
    ],
)
def test_no_way_of_writing_a_url_leads_to_another_host(typescript: TypeScriptDriver, serve: Serve, url: str) -> None:
    other, listed = serve(echo), serve(echo)
    written = url.replace("HOST", other.url.removeprefix("http://")).replace(
        "LISTED", listed.url.removeprefix("http://")
    )
    body = f'return fetch("{written}").then((r) => r.text(), (e) => e.name)'
    fetched(typescript, body, listed)
    assert other.connections == 0


def test_no_redirect_leads_to_another_host(typescript: TypeScriptDriver, serve: Serve) -> None:
    other = serve(echo)
    first = serve(lambda _: reply(b"", "307 x", f"location: {other.url}"))
    host = other.url.removeprefix("http://")
    name, message, outcome = not_fetched(typescript, 'await fetch(U, { method: "POST", body: "secret" })', first)
    assert (name, other.connections, outcome.retryable) == ("HostNotAllowed", 0, False)
    assert message == f'fetch of {host}, where a redirect leads, is not allowed: add "{host}" to "hosts" of {WHERE}'
    headers = '{ headers: { Authorization: "secret", a: "b" } }'
    arrived = fetched(typescript, f"return (await fetch(U, {headers})).json()", first, other)[1]
    assert (arrived.get("authorization"), arrived["a"]) == (None, "b")


def test_private_addresses_are_refused_though_listed(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(echo)
    inside = server.url.replace("127.0.0.1", "127.0.0.2")
    first = serve(lambda _: reply(b"", "302 x", f"location: {inside}"))
    with private_networks():
        name, message, outcome = not_fetched(typescript, "await fetch(U)", server)
        assert (name, outcome.retryable) == ("PrivateAddress", False)
        assert "127.0.0.1 is at a private address (IPv4, this machine itself)" in message
    with private_networks("127.0.0.1/32"):
        assert not_fetched(typescript, "await fetch(U)", first, inside.removeprefix("http://"))[0] == "PrivateAddress"
        assert fetched(typescript, "return (await fetch(U)).status", server) == 200
    assert server.connections == 1


@pytest.mark.parametrize(
    "code",
    [
        "globalThis.fetch = undefined as any",
        "(globalThis as any).hosts = [HOST]; (globalThis as any).process = { env: {}, hosts: [HOST] }",
        "(Object.prototype as any).hosts = [HOST]; (Array.prototype as any).includes = () => true",
        "(Object.prototype as any).url = `http://${HOST}/`; (Object.prototype as any).message = undefined",
        "Map.prototype.get = () => undefined; Map.prototype.set = () => new Map()",
        "String.prototype.toWellFormed = () => `http://${HOST}/`; String.prototype.trim = () => `http://${HOST}/`",
        "JSON.stringify = () => '{}'; JSON.parse = () => ({}); RegExp.prototype.test = () => true",
        "Promise.prototype.then = function () { return this as any }",
        "Function.prototype.call = Function.prototype.apply = () => 1 as any",
        "Array.prototype[Symbol.iterator] = function* () { yield ['host', HOST] as any }",
        "Object.defineProperty(Object.prototype, 'redirect', { get() { throw 1 } })",
        "Math.max = Math.min = () => NaN; setTimeout(() => 0, 1)",
    ],
)
def test_a_script_that_replaces_what_we_build_on_gets_no_further(
    typescript: TypeScriptDriver, serve: Serve, code: str
) -> None:
    other, listed = serve(echo), serve(echo)
    host = other.url.removeprefix("http://")
    body = f"const HOST = '{host}'; {code}; await Promise.race([fetch('{other.url}'), fetch(U), fetch(`http://${{HOST}}`)])"
    call = script_call(f"const U = '{listed.url}'; export async function run() {{ {body} }}", timeout=1.0)
    hosts = [listed.url.removeprefix("http://")]
    outcome = run(typescript, dataclasses.replace(call, runtime={"type": "typescript", "hosts": hosts}))
    assert outcome.ok or outcome.error is not None  # whatever becomes of the step, it ends, and has reached nothing
    assert other.connections == 0
    assert fetched(typescript, "return (await fetch(U)).status", listed) == 200


def test_a_step_sees_no_environment_but_its_own(typescript: TypeScriptDriver) -> None:
    first = script_call(
        "export const run = () => { (globalThis as any).kept = process.env; return 1 }", env={"A": "s3cret"}
    )
    assert run(typescript, first).ok
    look = script_call("export const run = () => [process.env, (globalThis as any).kept ?? null]", env={"B": "2"})
    assert run(typescript, look).output == '[{"B":"2"},null]'


@pytest.mark.parametrize(
    "path",
    [
        *[
            "/etc/passwd",
            "../../../etc/passwd",
            "./../../../../../etc/passwd",
            "file:///etc/passwd",
            "../../etc/passwd\\u0000.js",
        ],
        *["..", "../", "./lib/../../../x", "/proc/self/environ", "http://127.0.0.1/x.js", "data:text/javascript,1"],
        *["./%2e%2e/%2e%2e/etc/passwd", "..\\\\..\\\\etc\\\\passwd", "//etc/passwd", "node:fs", "std", "os", "qjs:std"],
    ],
)
def test_imports_lead_to_no_file_of_the_host(typescript: TypeScriptDriver, path: str) -> None:
    files = {"steps/a/index.ts": f'export const run = () => import("{path}").then(() => "loaded", () => "refused")'}
    assert run(typescript, script_call(files, root="steps/a")).output == '"refused"'
    outcome = run(
        typescript, script_call({"steps/a/index.ts": f'import "{path}"; export const run = 1'}, root="steps/a")
    )
    assert error_of(outcome)[0] in ("ModuleNotFound", "ModuleOutsideFunction")
