"""What a WebAssembly module asks for and offers, read from its bytes: quick, where compiling is not."""

from typing import NamedTuple

MAGIC = b"\0asm"
_CORE, _COMPONENT = b"\x01\0\0\0", b"\x0d\0\x01\0"
_TYPE, _IMPORT, _FUNCTION, _TABLE, _MEMORY, _EXPORT, _CODE = 1, 2, 3, 4, 5, 7, 10
_KINDS = ("func", "table", "memory", "global", "tag")
_PAGE = 65536


class NotAModule(ValueError):
    """The words are for people."""


class Import(NamedTuple):
    module: str
    name: str
    kind: str


class Export(NamedTuple):
    kind: str
    number: int
    """Among all of its kind, the imported ones first."""


class Interface(NamedTuple):
    imports: tuple[Import, ...]
    exports: dict[str, Export]
    memory_bytes: int
    """What its memories take when it starts."""
    table_elements: int
    """The size at the start of its largest table."""


def check_header(data: bytes) -> None:
    """Whether it is a core module, by its first bytes. Raises NotAModule."""
    if data[:4] != MAGIC:
        raise NotAModule("it is no WebAssembly module")
    if data[4:8] == _COMPONENT:
        raise NotAModule("it is a component, not a core module: build it for WASI preview 1 (wasip1)")
    if data[4:8] != _CORE:
        raise NotAModule("it is of a version of WebAssembly that is not known")


def read_interface(data: bytes) -> Interface:
    """Of a core module, valid as wasm_engine.py would have it. Raises NotAModule."""
    check_header(data)
    try:
        return _sections(_Reader(data, 8))
    except (IndexError, UnicodeDecodeError, ValueError):
        raise NotAModule("it is damaged") from None


def takes_and_gives_nothing(data: bytes, imported: int, index: int) -> bool:
    """Whether the function with this index is of type () -> (), in a module that imports so many functions.

    False for an imported one. Raises NotAModule.
    """
    reader, types = _Reader(data, 8), 0
    try:
        while reader.left():
            section = reader.byte()
            end = reader.number() + reader.at
            if section == _TYPE:
                types = reader.at
            elif section == _FUNCTION and imported <= index < reader.number() + imported:
                for _ in range(index - imported):
                    reader.number()
                wanted, reader.at = reader.number(), types
                if wanted >= reader.number():
                    return False
                for _ in range(wanted):
                    reader.function_type()
                return reader.function_type() == (0, 0)
            reader.at = end
    except (IndexError, ValueError):
        raise NotAModule("it is damaged") from None
    return False


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def left(self) -> bool:
        return self.at < len(self._data)

    def byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def number(self) -> int:
        """An unsigned integer in LEB128."""
        value = shift = 0
        while shift < 70:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError("a number too long")

    def name(self) -> str:
        length = self.number()
        self.at += length
        if self.at > len(self._data):
            raise IndexError
        return self._data[self.at - length : self.at].decode()

    def limits(self) -> tuple[int, int]:
        """The least size, and in bytes how large a page is."""
        flags = self.byte()
        least = self.number()
        if flags & 1:
            self.number()
        return least, 1 << self.number() if flags & 8 else _PAGE

    def value_type(self) -> None:
        if self.byte() in (0x63, 0x64):  # a reference to a type, whose number follows
            self.number()

    def function_type(self) -> tuple[int, int]:
        """How many values it takes, and how many it gives."""
        if self.byte() != 0x60:
            raise ValueError("a type of another kind")
        counts = []
        for _ in range(2):
            counts.append(self.number())
            for _ in range(counts[-1]):
                self.value_type()
        return counts[0], counts[1]

    def table(self) -> int:
        """Its least number of elements."""
        self.value_type()
        return self.limits()[0]


def _sections(reader: _Reader) -> Interface:
    imports: list[Import] = []
    exports: dict[str, Export] = {}
    memories, tables = 0, 0
    while reader.left():
        section = reader.byte()
        end = reader.number() + reader.at
        if section == _CODE:  # what we look for stands before it
            break
        if section in (_IMPORT, _TABLE, _MEMORY, _EXPORT):
            for _ in range(reader.number()):
                if section == _IMPORT:
                    imports.append(_import(reader))
                elif section == _TABLE:
                    tables = max(tables, reader.table())
                elif section == _MEMORY:
                    least, page = reader.limits()
                    memories += least * page
                else:
                    name = reader.name()
                    exports[name] = Export(_KINDS[reader.byte()], reader.number())
        reader.at = end
    return Interface(tuple(imports), exports, memories, tables)


def _import(reader: _Reader) -> Import:
    module, name, kind = reader.name(), reader.name(), _KINDS[reader.byte()]
    if kind == "func":
        reader.number()
    elif kind == "table":
        reader.table()
    elif kind == "memory":
        reader.limits()
    elif kind == "global":
        reader.value_type()
        reader.byte()
    else:
        reader.byte()
        reader.number()
    return Import(module, name, kind)
