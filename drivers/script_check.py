"""Scripts checked before they ever run: their syntax, and whether what they import is there.

The parsers are those that the scripts will meet: OXC takes the types away, QuickJS compiles what is left, without
running it. QuickJS itself says what a module imports; only `import()`, met when it runs, is looked for in the text.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from drivers.json_syntax import json_problem
from drivers.line_mapping import line_in_source
from drivers.modules import ModuleFault, resolve, source_text
from drivers.script_compiling import TooLong, Workshop, workshop
from drivers.script_imports import dynamic_imports, imports_when_run, line_of_import
from drivers.syntax_places import MAX_PROBLEMS, Place, places
from drivers.type_stripping import PROBLEM
from drivers.weighted_cache import WeightedCache

MAX_FAULTS = 100
MAX_SCRIPT_BYTES = 4 * 1024 * 1024
SECONDS = 30.0
"""For all scripts of a function together."""

_TYPED = (".ts", ".mts", ".cts", ".tsx")
_KEPT_BYTES = 4 * 1024 * 1024


class ScriptFault(NamedTuple):
    """What is wrong with one of the function's own files."""

    path: str
    line: int | None
    message: str


class _Script(NamedTuple):
    """What there is to know of a file whatever lies beside it."""

    faults: tuple[ScriptFault, ...]
    static: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    """What looks like it: in a string or a comment it is none."""


_known = WeightedCache[tuple[str, bytes], _Script](lambda: _KEPT_BYTES)


def check_scripts(
    files: Mapping[str, bytes], entrypoints: Sequence[str], seconds: float = SECONDS, deadline: float = math.inf
) -> list[ScriptFault]:
    """The faults of the entrypoints and of what they import, theirs in turn included. Never raises for a file.

    Safe in every thread; checks wait for each other's turn. Takes `seconds` at most, and more than that is a fault.
    `deadline`, by the monotonic clock, is of more than this function: TooLong is raised when it passes.
    """
    if not entrypoints:
        return []
    with workshop(seconds, deadline) as tools:
        check = _Check(files, tools)
        # What only looks like an import is followed too, as telling costs more: it matters if something is wrong.
        faults = check.walk(entrypoints, sure=False)
        if faults and not check.out_of_time:
            faults = check.walk(entrypoints, sure=True)
        if check.out_of_time and time.monotonic() >= deadline:
            raise TooLong
        return faults


class _Check:
    def __init__(self, files: Mapping[str, bytes], tools: Workshop) -> None:
        self._files = files
        self._tools = tools
        self.out_of_time = False

    def walk(self, entrypoints: Sequence[str], sure: bool) -> list[ScriptFault]:
        faults: list[ScriptFault] = []
        todo, seen = list(entrypoints), set(entrypoints)
        for path in todo:
            try:
                self._tools.ask()
                script = self._script(path)
                faults += script.faults
                for imported in self._imported(path, script, sure, faults):
                    if imported not in seen:
                        seen.add(imported)
                        todo.append(imported)
            except TooLong:
                self.out_of_time = True
                return [*faults[:MAX_FAULTS], ScriptFault(path, None, "takes too long to be checked")]
            if len(faults) >= MAX_FAULTS:
                break
        return faults[:MAX_FAULTS]

    def _script(self, path: str) -> _Script:
        key = path, hashlib.sha256(self._files[path]).digest()
        script = _known.get(key)
        if script is None:
            script = self._read(path)
            weight = sum(map(len, (path, *script.static, *script.dynamic, *(fault.message for fault in script.faults))))
            _known.put(key, script, weight)
        return script

    def _read(self, path: str) -> _Script:
        if len(self._files[path]) > MAX_SCRIPT_BYTES:
            message = f"is larger than a script may be, {MAX_SCRIPT_BYTES // 1024 // 1024} MiB"
            return _Script((ScriptFault(path, None, message),))
        try:
            source = source_text(path, self._files[path])
        except ModuleFault:
            return _Script((ScriptFault(path, None, "cannot be run: it is not text (UTF-8)"),))
        if path.endswith(".json"):
            wrong = json_problem(source)
            return _Script(() if wrong is None else (ScriptFault(path, wrong.line, wrong.message),))
        try:
            javascript = self._javascript(path, source)
        except ModuleFault as fault:
            return _Script(tuple(self._syntax_faults(path, source, str(fault))))
        compiled = self._tools.compile(path, javascript)
        if compiled.problem is not None:
            self._tools.ask()
            line = None if compiled.line is None else line_in_source(source, javascript, compiled.line)
            return _Script((ScriptFault(path, line, compiled.problem),))
        return _Script((), compiled.imports, dynamic_imports(javascript, self._tools.ask))

    def _javascript(self, path: str, source: str) -> str:
        return self._tools.strip(path, source) if path.endswith(_TYPED) else source

    def _syntax_faults(self, path: str, source: str, message: str) -> Iterator[ScriptFault]:
        if not message.startswith(PROBLEM.format(path=path)):
            yield ScriptFault(path, None, message.removeprefix(f"{path} "))
            return
        problems = _problems(path, message)[:MAX_PROBLEMS]
        try:
            found = places(source, problems, lambda text: self._parse(path, text))
        except TooLong:
            found = [Place()] * len(problems)
        by_line: dict[int | None, list[str]] = {}
        for place, problem in zip(found, problems, strict=True):
            column = f"column {place.column}: " if place.column else ""
            by_line.setdefault(place.line, []).append(column + problem)
        for line, said in sorted(by_line.items(), key=lambda one: one[0] or 0):
            yield ScriptFault(path, line, "; ".join(said))

    def _parse(self, path: str, source: str) -> list[str]:
        try:
            self._tools.strip(path, source)
        except ModuleFault as fault:
            return _problems(path, str(fault))
        return []

    def _imported(self, path: str, script: _Script, sure: bool, faults: list[ScriptFault]) -> Iterator[str]:
        """The files that it imports; what is not there is added to the faults."""
        for specifiers, dynamic in ((script.static, False), (script.dynamic, True)):
            for specifier in specifiers:
                if dynamic and not specifier.startswith("."):
                    continue  # a package that bundled code tries when it runs, and can mostly do without
                if dynamic and sure and not self._imports_when_run(path, specifier):
                    continue
                try:
                    yield resolve(self._files, path, specifier)
                except ModuleFault as fault:
                    line = self._line(path, specifier, dynamic) if sure else None
                    faults.append(ScriptFault(path, line, str(fault)))
                    if len(faults) >= MAX_FAULTS:
                        return

    def _imports_when_run(self, path: str, specifier: str) -> bool:
        javascript = self._javascript(path, source_text(path, self._files[path]))
        return imports_when_run(javascript, specifier, partial(self._does_not_compile, path), self._tools.ask)

    def _line(self, path: str, specifier: str, dynamic: bool) -> int | None:
        refuses = self._does_not_parse if path.endswith(_TYPED) else self._does_not_compile
        source = source_text(path, self._files[path])
        return line_of_import(source, specifier, partial(refuses, path), dynamic, self._tools.ask)

    def _does_not_parse(self, path: str, source: str) -> bool:
        return bool(self._parse(path, source))

    def _does_not_compile(self, path: str, javascript: str) -> bool:
        return self._tools.compile(path, javascript).problem is not None


def _problems(path: str, message: str) -> list[str]:
    return message.removeprefix(PROBLEM.format(path=path)).split("; ")
