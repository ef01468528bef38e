"""What a runtime is to the rest of the server: who runs it, on which queue, and what a step may say of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

OptionValue = str | int | float | bool | list[str]
"""What an option may hold once it has been checked; a driver gets it in ``call.runtime`` under the option's name."""

Kind = type[str] | type[int] | type[float] | type[bool] | type[list[str]]
MAX_TIMEOUT = 7200.0
"""The longest that any runtime may allow. In seconds."""


@dataclass(frozen=True, slots=True)
class Option:
    """One field beside ``type`` in a step's ``runtime``. Whoever writes a wrong one is told its place."""

    kind: Kind = str
    """``str``, ``int``, ``float`` (whole numbers too), ``bool``, or ``list`` for an array of texts."""
    required: bool = False
    default: OptionValue | None = None
    """Given to the driver where the step says nothing; None leaves the option out."""
    is_file: bool = False
    """The text is the path of a file, seen from the step's folder, and the file has to be there. So has the default's,
    where the step says nothing."""
    check: Callable[[OptionValue], str] | None = None
    """What is wrong with a value of the right kind, as in "must be a port"; "" if nothing is. Never raises."""

    def __post_init__(self) -> None:
        if self.kind not in (str, int, float, bool, list):
            raise ValueError(f"an option's kind is str, int, float, bool or list, not {self.kind!r}")
        if self.is_file and self.kind is not str:
            raise ValueError("an option that is a file is of the kind str")


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime, and the driver that runs it. Kept by `drivers.registry`; its name is its key there."""

    queue: str
    """The Celery queue of its steps."""
    driver: str
    """``module:Class``, imported in a worker when a step of it is first run, and made without arguments."""
    needs_files: bool = True
    """Whether its steps run with the function's own files; if not, nothing is fetched for them."""
    max_timeout: float = 300.0
    """The longest ``timeout`` that a step of it may have. In seconds."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """The fields that a step's ``runtime`` may have beside ``type``. (Those that come with the server are read by
    code of their own, in `apps.datastore.definition`.)"""
    declarable: bool = True
    """Whether a function's definition may name it."""

    def __post_init__(self) -> None:
        module, _, name = self.driver.partition(":")
        if not (module and name.isidentifier()):
            raise ValueError(f'a driver is written as "module:Class", not {self.driver!r}')
        if not self.queue:
            raise ValueError("a runtime has a queue")
        if not 0 < self.max_timeout <= MAX_TIMEOUT:
            raise ValueError(f"max_timeout is more than 0 and at most {MAX_TIMEOUT:g} seconds, not {self.max_timeout}")
        if "type" in self.options:
            raise ValueError('no option is called "type"')
