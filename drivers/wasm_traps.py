"""What a trap is called, and where it happened, for people."""

import re

import wasmtime

from drivers.shown_text import one_line

_TRAPS = {
    wasmtime.TrapCode.STACK_OVERFLOW: ("StackOverflow", "the module's calls are nested too deep"),
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: ("MemoryOutOfBounds", "the module reached beyond its memory"),
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS: ("TableOutOfBounds", "the module reached beyond its table of functions"),
    wasmtime.TrapCode.INDIRECT_CALL_TO_NULL: ("IndirectCallToNull", "the module called a function that is not there"),
    wasmtime.TrapCode.BAD_SIGNATURE: ("BadSignature", "the module called a function of another type"),
    wasmtime.TrapCode.INTEGER_OVERFLOW: ("IntegerOverflow", "the module's arithmetic overflowed"),
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO: ("DivisionByZero", "the module divided by zero"),
    wasmtime.TrapCode.BAD_CONVERSION_TO_INTEGER: ("BadConversion", "the module made an integer of what is none"),
    wasmtime.TrapCode.UNREACHABLE: ("Unreachable", "the module gave up (a panic or an abort)"),
}
_FRAME = re.compile(r"^\s*\d+:\s+(?:0x([0-9a-f]+) - )?(.*)$")
_NUMBER = re.compile(r"^\s*\d+: ")
_NAMELESS = "<unknown>!"


def name_and_words(fault: Exception) -> tuple[str, str]:
    """Of what ended a module."""
    code = fault.trap_code if isinstance(fault, wasmtime.Trap) else None
    if code in _TRAPS:
        return _TRAPS[code]
    text = str(fault)
    causes = text.partition("Caused by:\n")[2] or text
    words = "; ".join(_NUMBER.sub("", line).strip() for line in causes.splitlines() if line.strip())
    return "Trap", f"the module was stopped: {one_line(words)}"


def backtrace(fault: Exception) -> str:
    """The functions that it was in, innermost first, with the offset in the module's file."""
    _, _, text = str(fault).partition("wasm backtrace:\n")
    shown = []
    for line in text.partition("\nCaused by")[0].splitlines():
        frame = _FRAME.match(line)
        if frame is not None:
            offset = f" (0x{frame[1]})" if frame[1] else ""
            shown.append(f"    at {frame[2].removeprefix(_NAMELESS)}{offset}")
    return "\n".join(shown)
