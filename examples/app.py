"""A small app for the examples' http steps: an endpoint as your own application would have one.

python app.py [--port 8290]
"""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_BODY = 8 * 1024 * 1024


class App(BaseHTTPRequestHandler):
    """Answers POST /notify."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST_BODY:
            self.close_connection = True
            self.answer(413, {"error": "too large"})
            return
        body = self.rfile.read(length)
        if self.path == "/notify":
            self.notify(body)
        else:
            self.answer(404, {"error": f"there is no {self.path}"})

    def notify(self, body: bytes) -> None:
        try:
            about = json.loads(body)["event"]["name"]
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"error": "the body is not a step's input"})
            return
        print(f"notified about {about}", flush=True)
        self.answer(200, {"status": 200, "body": {"sent": True, "about": about}})

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing of its own: what matters is printed above."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8290)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), App)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
