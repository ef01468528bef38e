"""The memory that sandboxes start from: that of a guest in which our prelude has run, taken once a process."""

from importlib.resources import files

from drivers.quickjs_guest import Image, Machine, NoHost, Sandbox

_PAGE = 4096
_SCRATCH = 64
_REACHED = (b"log", b"random", b"refusal")
_REACHED_BY_FETCH = (b"fetch", b"stop_fetch", b"decode")
"""The functions of the host that the preludes get, as Sandbox.called knows them."""


def take_image(machine: Machine, with_fetch: bool = False) -> Image:
    """One that is good for every machine of the process: it is memory, not code."""
    sandbox = Sandbox(machine, NoHost(), memory_bytes=64 * 1024 * 1024)
    guest = sandbox.guest
    try:
        fresh = guest.read(0, guest.size())
        prelude = sandbox.evaluate((files("drivers") / "prelude.js").read_bytes())
        undefined = guest.call("new_undefined")
        scratch = guest.call("qjs_alloc", _SCRATCH)
        reached = [sandbox.function(name) for name in _REACHED]
        if with_fetch:
            reached.append(sandbox.evaluate((files("drivers") / "prelude_fetch.js").read_bytes()))
            reached += [sandbox.function(name) for name in _REACHED_BY_FETCH]
        guest.write_words(scratch, *reached)
        control = sandbox.call_function(prelude, undefined, scratch, len(reached), scratch + 32)
        used = guest.read(0, guest.size())
        return Image(len(used), guest.stack_pointer(), _runs(fresh, used), control, undefined, scratch)
    finally:
        sandbox.close()


def _runs(fresh: bytes, used: bytes) -> dict[int, bytes]:
    """Where ``used`` differs from ``fresh`` (zeros beyond its end), as runs of whole pages."""
    fresh = fresh.ljust(len(used), b"\x00")
    runs: dict[int, bytes] = {}
    start: int | None = None
    for at in range(0, len(used) + _PAGE, _PAGE):
        differs = used[at : at + _PAGE] != fresh[at : at + _PAGE]
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            runs[start] = used[start:at]
            start = None
    return runs
