"""What the wasm driver runs: modules of two compilers, and what they find around them."""

import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator

import psutil
import pytest

from drivers.contract import Abort, Call, Limits, Outcome
from drivers.wasm import WasmDriver
from drivers.wasm_engine import Workshop
from tests.drivers.calls import PAYLOAD, error_of, run
from tests.drivers.subjects.wasm import module_call, ordered
from tests.wasm_modules.building import built


@pytest.fixture(scope="module")
def wasm() -> Iterator[WasmDriver]:
    driver = WasmDriver()
    yield driver
    driver.close()


def go_call(do: str, name: str = "Ada", **more: object) -> Call:
    payload = json.dumps({"event": {"data": {"do": do, "name": name}}}).encode()
    return module_call(built("thanks.go"), payload=payload, **more)  # type: ignore[arg-type]


def output_of(outcome: Outcome) -> object:
    assert outcome.ok, outcome.error
    return json.loads(outcome.output or "")


def test_a_program_in_go_gets_json_and_gives_json_back(wasm: WasmDriver) -> None:
    outcome = run(wasm, go_call("thank"))
    assert output_of(outcome) == {"thanks": "Ada", "same": True}
    assert outcome.log == "thanking Ada"


def test_a_program_in_go_sleeps_and_knows_the_time(wasm: WasmDriver) -> None:
    found = output_of(run(wasm, go_call("sleep")))
    assert isinstance(found, dict)
    assert 100 <= found["slept"] < 5_000
    assert abs(found["now"] - time.time()) < 60


def test_goroutines_run(wasm: WasmDriver) -> None:
    assert output_of(run(wasm, go_call("goroutines"))) == {"sum": 4950}


def test_a_panic_in_go_fails_with_its_words(wasm: WasmDriver) -> None:
    outcome = run(wasm, go_call("panic"))
    name, message = error_of(outcome)
    assert (name, outcome.retryable) == ("ExitCode", True)
    assert message.startswith("the module exited with code 2: ")
    assert outcome.error is not None
    assert "main.main" in outcome.error.stack
    assert "assignment to entry in nil map" in outcome.log


def test_a_go_program_without_memory_left_fails_by_name(wasm: WasmDriver) -> None:
    assert error_of(run(wasm, go_call("hoard")))[0] == "MemoryLimit"


def test_go_reaches_no_file(wasm: WasmDriver) -> None:
    found = output_of(run(wasm, go_call("read")))
    assert isinstance(found, dict)
    assert "open /etc/passwd" in found["error"]


@pytest.mark.parametrize("do", ["hang", "sleep long"])
def test_a_go_program_is_ended_in_loops_and_in_sleep(wasm: WasmDriver, do: str) -> None:
    run(wasm, go_call("thank"))
    started = time.monotonic()
    assert error_of(run(wasm, go_call(do, timeout=0.4)))[0] == "StepTimeout"
    assert time.monotonic() - started < 5.0


def test_a_go_program_may_exit_with_any_code(wasm: WasmDriver) -> None:
    outcome = run(wasm, go_call("exit"))
    assert error_of(outcome) == ("ExitCode", "the module exited with code 255: no such order")
    assert (outcome.retryable, outcome.output) == (False, '{"status": 404}')


@pytest.mark.parametrize(("status", "retryable"), [(200, True), (404, False), (500, True)])
def test_with_an_exit_code_the_outputs_status_says_whether_another_try_may_help(
    wasm: WasmDriver, status: int, retryable: bool
) -> None:
    outcome = run(wasm, ordered("exit", "3", json.dumps({"status": status})))
    assert error_of(outcome)[0] == "ExitCode"
    assert outcome.retryable is retryable
    assert json.loads(outcome.output or "") == {"status": status}


@pytest.mark.parametrize("code", [1, 125, 126, 134, 255, 2**32 - 1])
def test_any_exit_code_but_0_is_a_failure_that_is_tried_again(wasm: WasmDriver, code: int) -> None:
    outcome = run(wasm, ordered("exit", str(code), "so far"))
    assert error_of(outcome) == ("ExitCode", f"the module exited with code {code}")
    assert outcome.retryable
    assert outcome.output == '{"body":"so far"}'


def test_exit_code_0_is_success(wasm: WasmDriver) -> None:
    assert run(wasm, ordered("exit", "0", "[1]")).output == "[1]"


def test_the_input_is_the_argument_and_standard_input(wasm: WasmDriver) -> None:
    for verb in ("argument", "echo"):
        assert run(wasm, ordered(verb)).output == PAYLOAD.decode()


def test_a_large_input_arrives_whole(wasm: WasmDriver) -> None:
    payload = json.dumps({"event": "ä" * 1_000_000}, ensure_ascii=False).encode()
    for verb in ("argument", "echo"):
        assert run(wasm, ordered(verb, payload=payload)).output == payload.decode()


def test_lines_before_the_last_are_log_and_so_is_standard_error_in_their_order(wasm: WasmDriver) -> None:
    outcome = run(wasm, go_call("talk"))
    assert (outcome.output, outcome.log) == ("{}", "one\ntwo\nthree\nfour")


def test_standard_error_that_is_no_unicode_can_be_stored(wasm: WasmDriver) -> None:
    outcome = run(wasm, ordered("log", "4", b"a\xff\x00b1"))
    assert (outcome.output, outcome.log) == ("1", "a\ufffd\ufffdb")


def test_a_panic_in_zig_is_a_trap_with_its_words_and_where_it_was(wasm: WasmDriver) -> None:
    outcome = run(wasm, ordered("panic", "at the disco"))
    assert outcome.error is not None
    assert outcome.error.name == "Unreachable"
    assert "at the disco" in outcome.error.message
    assert "defaultPanic" in outcome.error.stack


def test_it_knows_the_time_and_has_randomness(wasm: WasmDriver) -> None:
    now = output_of(run(wasm, ordered("clock")))
    assert isinstance(now, int)
    assert abs(now / 1000 - time.time()) < 60
    assert len({run(wasm, ordered("random")).output for _ in range(5)}) == 5


def test_it_sleeps_as_long_as_it_wants_to(wasm: WasmDriver) -> None:
    slept = output_of(run(wasm, ordered("sleep", "150")))
    assert isinstance(slept, int)
    assert 150 <= slept < 5_000


def test_an_abort_ends_a_sleep(wasm: WasmDriver) -> None:
    run(wasm, ordered("clock"))
    abort, outcomes = Abort(), list[Outcome]()
    thread = threading.Thread(target=lambda: outcomes.append(wasm.run(ordered("sleep", "60000"), abort)))
    thread.start()
    thread.join(0.2)
    abort.set("cancel")
    thread.join(5.0)
    assert error_of(outcomes[0])[0] == "StepAborted"


def test_its_variables_are_the_calls_own_and_nothing_of_them_stays(wasm: WasmDriver) -> None:
    def variables(env: dict[str, str]) -> str:
        found = output_of(run(wasm, ordered("variables", env=env)))
        assert isinstance(found, dict)
        return str(found["body"])

    assert variables({"TOKEN": "geheim ü=;\n"}) == "TOKEN=geheim ü=;\n;"
    assert run(wasm, ordered("variables")).output == '{"body":""}'
    mixed: list[str] = []

    def work(number: int) -> None:
        env = {"NUMBER": str(number)}
        mixed.extend(found for _ in range(20) if (found := variables(env)) != f"NUMBER={number};")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []


@pytest.mark.parametrize("env", [{"A": "x\0y"}, {"A\0B": "x"}, {"A": "\ud800"}])
def test_a_variable_that_a_program_cannot_have_fails_by_name(wasm: WasmDriver, env: dict[str, str]) -> None:
    outcome = run(wasm, ordered("variables", env=env))
    assert (error_of(outcome)[0], outcome.retryable) == ("BadVariable", False)


def test_hundreds_of_calls_that_end_in_every_way_leave_nothing_behind(wasm: WasmDriver) -> None:
    process = psutil.Process()
    calls = [ordered("echo"), ordered("exit", "1", "x"), ordered("panic", "x"), ordered("variables", env={"A": "b"})]
    calls += [ordered("recurse"), ordered("flood", limits=Limits(output_bytes=1000))]

    def work(times: int) -> None:
        for _ in range(times):
            for call in calls:
                run(wasm, call)

    work(20)
    before, files, children = process.memory_info().rss, process.num_fds(), process.children()
    work(60)
    assert process.num_fds() <= files
    assert process.memory_info().rss - before < 8 * 1024 * 1024
    assert process.children() == children


def test_an_engine_that_is_not_needed_any_more_goes() -> None:
    gone = weakref.ref(Workshop())
    gc.collect()
    assert gone() is None
