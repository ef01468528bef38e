"""`fetch` in scripts: side by side, within the step's time and memory, and ended with it."""

import socket
import threading
import time

import psutil
import pytest

from drivers.contract import MIB, Abort, Limits, Outcome
from drivers.script_fetch import AT_ONCE, BODY_PART, MOST_LEFT, MOST_WAITING
from drivers.typescript import TypeScriptDriver
from tests.drivers.calls import error_of
from tests.drivers.fetching import echo, fetch_call, fetched, not_fetched
from tests.drivers.server import Request, Serve, Server, reply
from tests.waiting import wait_for


def hanging(serve: Serve) -> Server:
    def answer(_: Request) -> None:
        server.ending.wait()

    server = serve(answer)
    return server


def threads() -> int:
    return sum(thread.name == "script-fetch" for thread in threading.enumerate())


def test_requests_run_side_by_side_and_no_more_than_so_many(typescript: TypeScriptDriver, serve: Serve) -> None:
    lock, running, most = threading.Lock(), [0], [0]
    full = threading.Event()

    def answer(request: Request) -> bytes:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            if running[0] >= AT_ONCE:
                full.set()
        full.wait(5.0)
        with lock:
            running[0] -= 1
        return reply(request.head.split(b" ")[1][1:])

    body = "return Promise.all(Array.from({ length: 20 }, (_, n) => fetch(`${U}/${n}`).then((r) => r.json())))"
    assert fetched(typescript, body, serve(answer)) == list(range(20))
    assert most[0] == AT_ONCE


def test_timers_and_requests_do_not_wait_for_each_other(typescript: TypeScriptDriver, serve: Serve) -> None:
    body = """
      const slow = fetch(SLOW).catch(() => 0), seen: string[] = [];
      setTimeout(() => seen.push("timer"), 20); const tick = setInterval(() => 0, 1);
      for (let n = 0; n < 20; n++) seen.push(String((await fetch(U)).status));
      await new Promise((done) => setTimeout(done, 40)); clearInterval(tick);
      return [seen.filter((one) => one === "200").length, seen.includes("timer")];"""
    slow = hanging(serve)
    assert fetched(typescript, body.replace("SLOW", f"'{slow.url}'"), serve(echo), slow) == [20, True]


def test_a_request_ends_with_the_time_of_the_step(typescript: TypeScriptDriver, serve: Serve) -> None:
    started = time.monotonic()
    name, message, _ = not_fetched(typescript, "await fetch(U)", hanging(serve), timeout=0.3)
    assert (name, message) == ("StepTimeout", "the step did not finish within 0.3 s")
    assert time.monotonic() - started < 3.0
    wait_for(lambda: threads() == 0, "no thread is left of the requests")


def test_an_abort_ends_requests_at_once(typescript: TypeScriptDriver, serve: Serve) -> None:
    server, abort, outcomes = hanging(serve), Abort(), list[Outcome]()
    call = fetch_call("await Promise.all(Array.from({ length: 20 }, () => fetch(U)))", [server], timeout=60)
    thread = threading.Thread(target=lambda: outcomes.append(typescript.run(call, abort)))
    thread.start()
    wait_for(lambda: len(server.requests) == AT_ONCE, "as many requests as may have begun")
    abort.set()
    thread.join(5.0)
    assert error_of(outcomes[0])[0] == "StepAborted"
    wait_for(lambda: threads() == 0, "no thread is left of the requests")


def test_a_step_that_returns_waits_for_no_request(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = hanging(serve)
    assert fetched(typescript, "for (let n = 0; n < 20; n++) fetch(U).catch(() => 0); return 1", server) == 1
    wait_for(lambda: threads() == 0, "no thread is left of the requests")
    assert len(server.requests) <= AT_ONCE


def test_a_signal_ends_a_request(typescript: TypeScriptDriver, serve: Serve) -> None:
    body = """
      const name = (promise: Promise<unknown>) => promise.then(() => "done", (e) => e?.name ?? e);
      const controller = new AbortController(), { signal } = controller; let heard = 0;
      signal.addEventListener("abort", () => heard++); signal.onabort = () => heard++;
      setTimeout(() => controller.abort(), 10);
      const names = [
        await name(fetch(U, { signal })), await name(fetch(U, { signal })),
        await name(fetch(U, { signal: AbortSignal.abort(7) })),
        await name(fetch(U, { signal: AbortSignal.timeout(10) })),
        await name(fetch(U, { signal: AbortSignal.any([AbortSignal.timeout(10), new AbortController().signal]) })),
      ];
      controller.abort("again");
      return [...names, heard, signal.aborted, signal.reason.name];"""
    expected = ["AbortError", "AbortError", 7, "TimeoutError", "TimeoutError", 2, True, "AbortError"]
    assert fetched(typescript, body, hanging(serve)) == expected


def test_an_aborted_request_makes_room_for_others(typescript: TypeScriptDriver, serve: Serve) -> None:
    slow, quick = hanging(serve), serve(echo)
    body = """
      const controller = new AbortController();
      const stuck = Array.from({ length: 50 }, () => fetch(U, { signal: controller.signal }).catch(() => 0));
      setTimeout(() => controller.abort(), 20);
      return (await fetch(QUICK)).status;"""
    assert fetched(typescript, body.replace("QUICK", f"'{quick.url}'"), slow, quick) == 200


@pytest.mark.parametrize("memory", [32, 64])
def test_a_response_is_at_most_a_part_of_the_steps_memory(
    typescript: TypeScriptDriver, serve: Serve, memory: int
) -> None:
    most = memory * MIB // BODY_PART
    server = serve(lambda request: reply(b"x" * (most + (request.head.startswith(b"GET /more")))))
    limits = Limits(memory_bytes=memory * MIB)
    assert fetched(typescript, "return (await (await fetch(U)).bytes()).length", server, limits=limits) == most
    _, message, outcome = not_fetched(typescript, "await fetch(U + '/more')", server, limits=limits)
    assert message == f"the response to GET {server.url} is larger than {most:,} bytes, the most that fetch takes"
    assert outcome.retryable


def test_responses_that_are_kept_count_as_the_steps_memory(typescript: TypeScriptDriver, serve: Serve) -> None:
    server = serve(lambda _: reply(b"x" * (3 * MIB)))
    body = "const kept = []; for (;;) kept.push(await (await fetch(U)).bytes());"
    assert not_fetched(typescript, body, server, limits=Limits(memory_bytes=32 * MIB))[0] == "MemoryLimit"


def test_so_many_requests_wait_and_no_more(typescript: TypeScriptDriver, serve: Serve) -> None:
    body = f"""
      const made = Array.from({{ length: {MOST_WAITING + AT_ONCE + 10} }}, () => fetch(U));
      return Promise.race(made.map((one) => one.catch((e) => e.message)));"""
    message = "fetch has too much to do: await some of the requests before you make more"
    assert fetched(typescript, body, hanging(serve)) == message


def test_bodies_that_wait_are_bounded_together(typescript: TypeScriptDriver, serve: Serve) -> None:
    body = """
      const body = new Uint8Array(4 << 20);
      const ends = Array.from({ length: 100 }, () => fetch(U, { method: "POST", body }).catch((e) => e.message));
      return Promise.race(ends);"""
    limits = Limits(memory_bytes=64 * MIB)
    assert fetched(typescript, body, hanging(serve), limits=limits).startswith("fetch has too much to do")


@pytest.mark.parametrize("hosts", [(), ("example.com",)])
def test_urls_too_long_are_refused_and_not_kept(typescript: TypeScriptDriver, hosts: tuple[str, ...]) -> None:
    body = """
      const long = "a.".repeat(400_000), messages = new Set<string>();
      const ask = (url: string) => fetch(url).catch((e) => messages.add(e.message.slice(0, 60)));
      for (let n = 0; n < COUNT; n++) { await ask(`http://h/${n}${long}`); await ask(`http://${n}.${long}c/`); }
      return [...messages];"""
    fetched(typescript, body.replace("COUNT", "1"), *hosts)
    before = psutil.Process().memory_info().rss
    (message,) = fetched(typescript, body.replace("COUNT", "40"), *hosts)
    assert message.startswith("fetch failed: its URL is not" if hosts else "fetch is not allowed here")
    assert psutil.Process().memory_info().rss - before < 24 * MIB


def test_a_timer_that_is_always_due_does_not_keep_answers_waiting(typescript: TypeScriptDriver, serve: Serve) -> None:
    busy = "setInterval(() => { const start = Date.now(); while (Date.now() - start < 4); }, 1);"
    assert fetched(typescript, f"{busy} return (await fetch(U)).status", serve(echo), timeout=10.0) == 200


def test_a_request_for_which_there_is_no_thread_fails_at_once(
    typescript: TypeScriptDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def exhausted(thread: threading.Thread) -> None:
        if thread.name == "script-fetch":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", exhausted)
    started = time.monotonic()
    body = "return Promise.all(Array.from({ length: 20 }, () => fetch('http://example.com/').catch((e) => e.message)))"
    assert set(fetched(typescript, body, "example.com")) == {"fetch failed: the server has no thread left for it"}
    assert time.monotonic() - started < 5.0


def test_look_ups_that_outlive_their_steps_are_so_many_at_most(
    typescript: TypeScriptDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def unanswered(*_: object, **__: object) -> None:
        answered.wait(30.0)
        raise socket.gaierror("the name server does not answer")

    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    leaving = "for (let n = 0; n < 6; n++) fetch(`http://a${n}.example.com/`).catch(() => 0); return 1"
    try:
        for _ in range(20):
            assert fetched(typescript, leaving, "*.example.com") == 1
        assert MOST_LEFT <= threads() < MOST_LEFT + AT_ONCE
        message = fetched(typescript, "return fetch('http://a.example.com/').catch((e) => e.message)", "*.example.com")
        assert message == "fetch failed: too many look-ups of names wait for an answer"
    finally:
        answered.set()
    wait_for(lambda: threads() == 0, "no thread is left of the requests")
    message = fetched(typescript, "return fetch('http://a.example.com/').catch((e) => e.message)", "*.example.com")
    assert "does not answer" in message
