"""The app that the steps of these tests call: it counts the calls and can hold one open until it is told to go on."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import wait_for

HOLD_MOST_SECONDS = 60.0


class Hold:
    """Calls of one step that are not answered yet."""

    def __init__(self, calls: int) -> None:
        self.calls_left = calls
        self.arrived = 0
        self._go_on = threading.Event()

    def wait_arrived(self, calls: int = 1) -> None:
        """Until so many calls are being held."""
        wait_for(lambda: self.arrived >= calls, f"{calls} calls are held")

    def release(self) -> None:
        self._go_on.set()

    def wait_released(self) -> None:
        self._go_on.wait(HOLD_MOST_SECONDS)


class CalledApp:
    """Answers `{"step": …, "call": …}`: the how-manieth call of this step of this run it was."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.forget()
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                status, answer = app.answer(self.headers["x-run-id"], self.headers["x-inngest-step-id"])
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Silent."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._serving.start()

    def forget(self) -> None:
        """As new, for the next test; what is still held goes on."""
        for hold in getattr(self, "_holds", {}).values():
            hold.release()
        with self._guard:
            self.calls: Counter[tuple[str, str]] = Counter()
            self._holds: dict[str, Hold] = {}
            self._failing: set[str] = set()

    def hold(self, step: str, calls: int = 1) -> Hold:
        """The next calls of the step are held until released; those after them are answered at once."""
        with self._guard:
            self._holds[step] = Hold(calls)
            return self._holds[step]

    def fail_first(self, step: str) -> None:
        """The first call of the step in each run fails."""
        with self._guard:
            self._failing.add(step)

    def calls_of(self, step: str) -> int:
        with self._guard:
            return sum(count for (_, called), count in self.calls.items() if called == step)

    def answer(self, run: str, step: str) -> tuple[int, dict[str, Any]]:
        with self._guard:
            self.calls[run, step] += 1
            call = self.calls[run, step]
            hold = self._holds.get(step)
            if hold is not None and hold.calls_left:
                hold.calls_left -= 1
                hold.arrived += 1
            else:
                hold = None
            fails = call == 1 and step in self._failing
        if hold is not None:
            hold.wait_released()
        return (500, {"step": step}) if fails else (200, {"step": step, "call": call})

    def close(self) -> None:
        self.forget()
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that was killed in the middle of its call is what these tests are about."""
