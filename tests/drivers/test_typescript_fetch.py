"""`fetch` in scripts: as in Node."""

import gzip
from typing import Any

import pytest

from drivers.typescript import TypeScriptDriver
from tests.drivers.fetching import echo, fetched, not_fetched
from tests.drivers.server import Request, Serve, reply


def test_a_response_is_what_the_server_answered(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(
        lambda _: reply(b'{"a":1}', "418 I'm a teapot", "X-A: 1", "x-a: 2", "set-cookie: a", "set-cookie: b")
    )
    body = """
      const r = await fetch(`${U}/a b?x=1#y`);
      return [r.status, r.ok, r.statusText, r.url, r.redirected, r.type, r.headers.get("x-A"), r.headers.getSetCookie(),
              r.bodyUsed, await r.json(), r.bodyUsed, await r.text().catch((e) => e.name)];"""
    assert fetched(typescript, body, server) == [
        *[418, False, "I'm a teapot", f"{server.url}/a%20b?x=1", False, "basic", "1, 2", ["a", "b"]],
        *[False, {"a": 1}, True, "TypeError"],
    ]


@pytest.mark.parametrize(
    ("options", "arrives"),
    [
        ("", ("GET / HTTP/1.1", None, b"")),
        ('{ method: "put", body: "ü" }', ("PUT / HTTP/1.1", "text/plain;charset=UTF-8", "ü".encode())),
        ('{ method: "PATCH", body: new Uint16Array([1, 0x80ff]) }', ("PATCH / HTTP/1.1", None, b"\x01\x00\xff\x80")),
        ('{ method: "POST", body: new Uint8Array([0, 255, 0]).buffer }', ("POST / HTTP/1.1", None, b"\x00\xff\x00")),
        ('{ method: "POST", body: new DataView(new ArrayBuffer(2), 1) }', ("POST / HTTP/1.1", None, b"\x00")),
        ('{ method: "POST", body: "" }', ("POST / HTTP/1.1", "text/plain;charset=UTF-8", b"")),
        ('{ method: "DELETE" }', ("DELETE / HTTP/1.1", None, b"")),
        ('{ method: "POST", body: "{}", headers: [["Content-Type", "a/b"]] }', ("POST / HTTP/1.1", "a/b", b"{}")),
    ],
)
def test_a_request_is_sent_as_it_is_written(
    typescript: TypeScriptDriver, serve: Serve, options: str, arrives: tuple[str, str | None, bytes]
) -> None:
    server = serve(echo)
    written, headers, body = fetched(typescript, f"return (await fetch(U, {options or 'undefined'})).json()", server)
    assert (written, headers.get("content-type"), bytes(body)) == arrives
    assert headers["host"] == server.url.removeprefix("http://")


def test_a_request_may_be_an_object_and_its_headers_headers(typescript: TypeScriptDriver, serve: Serve) -> None:
    body = """
      const request = { url: U + "/x", method: "POST", headers: new Headers({ Authorization: "Bearer ü" }), body: "1" };
      return (await fetch(request, { method: "PUT" })).json();"""
    line, headers, sent = fetched(typescript, body, serve(echo))
    assert (line, headers["authorization"], bytes(sent)) == ("PUT /x HTTP/1.1", "Bearer ü", b"1")


def test_a_form_is_sent_as_one_if_the_bundle_brings_its_class(typescript: TypeScriptDriver, serve: Serve) -> None:
    body = """
      class URLSearchParams { toString() { return "a=1" } } (globalThis as any).URLSearchParams = URLSearchParams;
      return (await fetch(U, { method: "POST", body: new URLSearchParams() as any })).json();"""
    _, headers, sent = fetched(typescript, body, serve(echo))
    assert (headers["content-type"], bytes(sent)) == ("application/x-www-form-urlencoded;charset=UTF-8", b"a=1")


def test_a_body_is_read_as_text_bytes_or_json(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(lambda _: gzip_reply("\ufeffé\x00".encode() + b"\xff"))
    body = """
      const r = await fetch(U), other = r.clone(), third = other.clone();
      return [await r.text(), [...new Uint8Array(await other.arrayBuffer())], (await third.bytes()).length];"""
    assert fetched(typescript, body, server) == ["é\x00\ufffd", [0xEF, 0xBB, 0xBF, 0xC3, 0xA9, 0, 0xFF], 7]


def gzip_reply(body: bytes) -> bytes:
    return reply(gzip.compress(body), "200 OK", "content-encoding: gzip")


def test_an_empty_body_is_an_empty_text(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(lambda _: b"HTTP/1.1 204 No Content\r\n\r\n")
    body = "const r = await fetch(U); return [await r.text(), await r.text(), (await fetch(U)).bodyUsed]"
    assert fetched(typescript, body, server) == ["", "", False]


def test_headers_are_a_list_of_names_in_any_case(typescript: TypeScriptDriver) -> None:
    body = """
      const h = new Headers({ "X-B": " 1 ", a: "2" }); h.append("x-b", "3"); h.set("C", "4"); h.delete("A");
      const seen: any[] = []; h.forEach((value, name) => seen.push(name + value));
      const tried = (name: string, value: string) => { try { h.append(name, value) } catch (e: any) { return e.name } };
      const bad = [tried("a b", "1"), tried("a", "x\\ny")], pairs = [...new Headers([["a", "1"]])];
      return [[...h], h.has("X-b"), h.get("none"), seen, [...h.keys()], [...h.values()], bad, pairs];"""
    assert fetched(typescript, body, "a.example") == [
        *[[["c", "4"], ["x-b", "1, 3"]], True, None, ["c4", "x-b1, 3"], ["c", "x-b"], ["4", "1, 3"]],
        *[["TypeError", "TypeError"], [["a", "1"]]],
    ]


def test_a_response_can_be_made(typescript: TypeScriptDriver) -> None:
    body = """
      const r = new Response("hé", { status: 201, headers: { a: "b" } }), json = Response.json({ a: 1 });
      const tried = (text: string, status: number) => {
        try { new Response(text, { status }) } catch (e: any) { return e.name }
      };
      return [r.status, r.headers.get("content-type"), [...await r.bytes()], await json.json(),
              json.headers.get("content-type"), [tried("", 199), tried("x", 204)]];"""
    assert fetched(typescript, body, "a.example") == [
        *[201, "text/plain;charset=UTF-8", [104, 0xC3, 0xA9], {"a": 1}, "application/json", ["RangeError", "TypeError"]]
    ]


def moving(serve: Serve, status: str) -> Any:
    def answer(request: Request) -> bytes:
        if b"/old" in request.head.split(b"\r\n")[0]:
            return reply(b"", status, "location: /new")
        return echo(request)

    return serve(answer)


@pytest.mark.parametrize(
    ("status", "arrives"), [("302 x", ["GET /new HTTP/1.1", []]), ("307 x", ["POST /new HTTP/1.1", [0, 255]])]
)
def test_a_redirect_is_followed(typescript: TypeScriptDriver, serve: Serve, status: str, arrives: list[Any]) -> None:
    server = moving(serve, status)
    body = """
      const r = await fetch(U + "/old", { method: "POST", body: new Uint8Array([0, 255]) });
      const [line, , sent] = await r.json();
      return [r.redirected, r.url, line, sent];"""
    assert fetched(typescript, body, server) == [True, server.url + "/new", *arrives]


def test_a_redirect_can_be_an_error_or_the_result(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = moving(serve, "302 x")
    body = 'const r = await fetch(U + "/old", { redirect: "manual" }); return [r.status, r.headers.get("location")]'
    assert fetched(typescript, body, server) == [302, "/new"]
    _, message, _ = not_fetched(typescript, 'await fetch(U + "/old", { redirect: "error" })', server)
    assert message == f"GET {server.url} answered with a redirect, and fetch was told that it is an error"


def test_a_circle_of_redirects_is_an_error(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"", "302 x", "location: /"))
    assert "more than 20 redirects" in not_fetched(typescript, "await fetch(U)", server)[1]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('fetch(U, { body: "x" })', "a GET has no body"),
        ('fetch(U, { method: "TRACE" })', "fetch failed: 'TRACE' is not a method that can be sent"),
        ('fetch(U, { method: "G T" })', "fetch failed: 'G T' is not a method that can be sent"),
        ('fetch(U, { headers: { Host: "evil" } })', "the header host is for fetch itself to set"),
        ('fetch(U, { headers: { "Content-Length": "1" } })', "the header content-length is for fetch itself to set"),
        (
            'fetch(U, { headers: { "transfer-encoding": "x" } })',
            "the header transfer-encoding is for fetch itself to set",
        ),
        ('fetch(U, { headers: { connection: "x" } })', "the header connection is for fetch itself to set"),
        ('fetch(U, { headers: { "a\\r\\nb": "x" } })', '"a\\r\\nb" is not the name of a header'),
        ('fetch(U, { redirect: "x" as any })', "redirect is follow, error or manual, not x"),
        ('fetch("/x")', "fetch failed: its URL is not a whole http:// or https:// URL"),
        ('fetch("ftp://a.example/")', "fetch failed: its URL is not a whole http:// or https:// URL"),
        ('fetch("")', "fetch failed: its URL is not a whole http:// or https:// URL"),
        ("fetch(undefined as any)", "fetch failed: its URL is not a whole http:// or https:// URL"),
    ],
)
def test_what_cannot_be_asked_is_a_type_error(typescript: TypeScriptDriver, code: str, message: str) -> None:
    name, said, outcome = not_fetched(typescript, f"await {code}", "127.0.0.1:9")
    assert (name, said) == ("TypeError", message)
    assert outcome.error is not None
    assert "index.ts:2" in outcome.error.stack


def test_a_server_that_is_not_there_is_an_error_that_can_be_caught(typescript: TypeScriptDriver) -> None:
    body = 'return fetch("http://127.0.0.1:1/secret?key=1").catch((e) => [e.name, e.message, e instanceof TypeError])'
    message = "GET http://127.0.0.1:1 failed: Connection refused (ConnectionRefusedError)"
    assert fetched(typescript, body, "127.0.0.1:1") == ["TypeError", message, True]
