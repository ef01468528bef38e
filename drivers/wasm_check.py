"""Whether a file is a module that can run as a step: found out at deploy, without compiling it."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

import wasmtime

from drivers.contract import MIB
from drivers.shown_text import one_line
from drivers.wasm_engine import MAX_TABLE_ELEMENTS, new_engine
from drivers.wasm_format import (
    Import,
    Interface,
    NotAModule,
    check_header,
    read_interface,
    takes_and_gives_nothing,
)

WASI = "wasi_snapshot_preview1"
START = "_start"
MAX_BYTES = 64 * MIB
MAX_PROBLEMS = 20
MAX_NAMES = 10_000
"""Imports and exports together: wasmtime's Python side looks at every one for each instance."""

_NAMES = """
    args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise fd_allocate fd_close
    fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size
    fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek
    fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open
    path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise
    random_get sched_yield sock_accept sock_recv sock_send sock_shutdown
"""
_FUNCTIONS = frozenset(_NAMES.split())
_FOR_THE_BROWSER = ("gojs", "env", "wbg", "__wbindgen_placeholder__", "./")
_NAME_CHARS = 100


def problems_of(data: bytes) -> list[str]:
    """What is wrong with a module, each in words that follow its name; empty if nothing is.

    Takes some 10 ms a megabyte, and never raises. Called when a function is checked for a deploy, and before its module
    is compiled.
    """
    if len(data) > MAX_BYTES:
        return [f"has {len(data):,} bytes; a module may have {MAX_BYTES:,}"]
    try:
        check_header(data)
        wasmtime.Module.validate(_engine(), data)
        interface = read_interface(data)
    except NotAModule as fault:
        return [f"cannot run: {fault}"]
    except wasmtime.WasmtimeError as fault:
        return [f"is not valid WebAssembly as steps may use it: {one_line(_cause(fault))}"]
    found = list(islice(_problems(data, interface), MAX_PROBLEMS + 1))
    return [*found[:MAX_PROBLEMS], "has more problems"] if len(found) > MAX_PROBLEMS else found


def _problems(data: bytes, interface: Interface) -> Iterator[str]:
    imported = sum(found.kind == "func" for found in interface.imports)
    kinds = {name: export.kind for name, export in interface.exports.items()}
    if kinds.get(START) != "func":
        yield (
            "exports no function _start: it is a library (a reactor), not a program; build a command for WASI "
            "preview 1 (wasip1)"
        )
    elif not takes_and_gives_nothing(data, imported, interface.exports[START].number):
        yield "exports a function _start that takes or gives values; that of a program does neither"
    names = len(interface.imports) + len(interface.exports)
    if names > MAX_NAMES:
        yield f"imports and exports {names:,} things; {MAX_NAMES:,} are allowed"
    for found in interface.imports:
        if found.module != WASI or found.kind != "func" or found.name not in _FUNCTIONS:
            yield _missing(found)
    if any(found.module == WASI for found in interface.imports) and kinds.get("memory") != "memory":
        yield "exports no memory, so nothing can be told to it"
    if interface.table_elements > MAX_TABLE_ELEMENTS:
        yield f"begins with a table of {interface.table_elements:,} elements; {MAX_TABLE_ELEMENTS:,} are allowed"


def _missing(found: Import) -> str:
    name = one_line(f"{found.module}.{found.name}", _NAME_CHARS)
    what = "" if found.kind == "func" else f"a {found.kind}, "
    hint = ": was it built for a browser?" if found.module.startswith(_FOR_THE_BROWSER) else ""
    if found.module in ("wasi_unstable", "wasi"):
        hint = ": it was built for a version of WASI before preview 1"
    return f'imports {what}"{name}", which is not there; only functions of WASI preview 1 ({WASI}) are{hint}'


def _cause(fault: wasmtime.WasmtimeError) -> str:
    """The last line says what is wrong, the first that something is."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[-1].removeprefix("0: ") if lines else "it cannot be read"


@lru_cache(maxsize=1)
def _engine() -> wasmtime.Engine:
    return new_engine()  # any number of threads may validate with one
