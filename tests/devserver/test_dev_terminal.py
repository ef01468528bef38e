"""The development server as a person sees it: in a terminal, screen by screen."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import psutil
import pyte
import pytest
from rich.cells import cell_len

from apps.devserver import fleet
from tests.devserver.test_dev_command import START_SECONDS, STOP_SECONDS, environment, free_port

COLUMNS, ROWS = 120, 60
WITHIN_SECONDS = 5.0
"""It is a second where the machine has nothing else to do; the tests have others beside them."""
INDEX = """
export async function run({ event }: { event: { data: any } }) {
  console.log("charging", event.data.id);
  if (event.data.card === null) throw new TypeError("there is no card");
  return { charged: event.data.id };
}
"""


class Terminal:
    """A terminal in which the development server runs."""

    def __init__(self, child: pexpect.spawn, port: int) -> None:
        self.child = child
        self.port = port
        self.screen = pyte.HistoryScreen(COLUMNS, ROWS, history=10_000)
        self._came = bytearray()
        self._stream = pyte.ByteStream(self.screen)

    def lines(self) -> list[str]:
        """All that was ever shown."""
        above = ["".join(line[column].data for column in range(COLUMNS)) for line in self.screen.history.top]
        return [line.rstrip() for line in [*above, *self.screen.display]]

    def line(self, pattern: str, seconds: float = WITHIN_SECONDS) -> str:
        """The first line that fits, once there is one."""
        deadline = time.monotonic() + seconds
        while True:
            fitting = [line for line in self.lines() if re.search(pattern, line)]
            if fitting:
                return fitting[0]
            assert time.monotonic() < deadline, "\n".join(self.lines())
            self.read()

    def _feed(self, came: bytes) -> None:
        self._came += came
        self._stream.feed(came)

    def happenings(self) -> list[str]:
        """The lines of what happened as they were written, however wide the terminal is."""
        written = re.sub(r"\x1b\[[\d;]*m", "", self._came.decode()).splitlines()
        return [line for line in written if re.match(r"[\d:.]{12}  \S  | {27}", line)]

    def read(self) -> None:
        try:
            self._feed(self.child.read_nonblocking(65_536, timeout=0.05))
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF as end:
            raise AssertionError("\n".join(self.lines())) from end

    def send(self, name: str, **data: object) -> str:
        body = json.dumps({"name": name, "data": data}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/e/any", body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["ids"][0])

    def until_end(self) -> int:
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            try:
                self._feed(self.child.read_nonblocking(65_536, timeout=0.1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                break
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -1)


@contextmanager
def terminal(folder: Path, *more: str) -> Iterator[Terminal]:
    port = free_port()
    command, *arguments = fleet.manage(
        "dev", str(folder / "functions"), f"--port={port}", f"--data={folder / 'data'}", "--no-discovery", *more
    )
    variables = {**environment(), "TERM": "xterm-256color"}
    variables.pop("NO_COLOR", None)
    child = pexpect.spawn(
        command, arguments, env=variables, cwd=str(folder), dimensions=(ROWS, COLUMNS), timeout=START_SECONDS
    )
    shown = Terminal(child, port)
    try:
        shown.line("Ctrl-C stops everything", START_SECONDS)
        yield shown
    finally:
        if child.isalive():
            child.sendintr()
            shown.until_end()
        child.close(force=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("terminal")
    function = made / "functions" / "charge"
    function.mkdir(parents=True)
    definition = {"id": "charge", "name": "Charge", "triggers": [{"event": "shop/paid"}]}
    (function / "inngest.json").write_text(json.dumps(definition))
    (function / "index.ts").write_text(INDEX)
    # A folder of the person's whose name is one of ours is not taken for it.
    for name in ("apps", "drivers", "inngest_server"):
        (made / name).mkdir()
        (made / name / "__init__.py").write_text("raise SystemExit('this is not what was meant')")
    return made


def test_events_runs_steps_outputs_and_errors_are_seen_and_ctrl_c_stops_everything(folder: Path) -> None:
    with terminal(folder) as shown:
        assert "loaded charge v1" in shown.line("loaded")
        assert f"http://localhost:{shown.port}" in shown.line("is running on")
        assert "/api/docs" in shown.line(r"^  API")
        # The first call compiles the sandbox.
        shown.send("shop/paid", id=1)
        shown.line("●  .*completed in", 60)
        event = shown.send("shop/paid", id=42)
        assert '  ◆  event   shop/paid         {"id":42}' in shown.line(event)
        tag = shown.line(r"✓ .*\"charged\":42").split()[2]
        assert re.search(rf"○  {tag}  charge +v1, by shop/paid  \w{{20}}{tag}$", shown.line(f"○  {tag}"))
        assert re.search(r"│ charging 42$", shown.line("charging 42"))
        assert re.search(rf"●  {tag}  charge +completed in \d+ ms", shown.line(f"●  {tag}"))
        shown.send("shop/paid", id=43, card=None)
        shown.line("↻ .*attempt 1 of 3, again in")
        shown.line(r"^ {27}TypeError: there is no card$")
        shown.line(r"^ {27}  at run \(index.ts:4\)")
        shown.send("nobody/listens")
        shown.line("◆  event   nobody/listens +starts nothing")
        function = folder / "functions" / "charge" / "inngest.json"
        sound = function.read_text()
        function.write_text('{"id": "charge", "triggers": [{"event": 3}]}')
        shown.line("functions  not loaded: ", 15)
        function.write_text(sound)
        children = psutil.Process(shown.child.pid).children(recursive=True)
        shown.child.sendintr()
        assert shown.until_end() == 0, "\n".join(shown.lines())
        assert not [child for child in children if child.is_running()]
        assert len(shown.happenings()) > 10
        assert not [line for line in shown.happenings() if cell_len(line) > COLUMNS]


def test_a_server_that_others_reach_says_what_that_means(folder: Path) -> None:
    with terminal(folder, "--host=0.0.0.0") as shown:
        shown.line("whoever reaches it can run code here, without a password")

        def status(host: str) -> int:
            request = urllib.request.Request(f"http://127.0.0.1:{shown.port}/v1/events/x/runs", headers={"host": host})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return int(error.code)

        assert status("localhost") != 403
        assert status("evil.example") == 403
        assert status("192.0.2.7") == 403
