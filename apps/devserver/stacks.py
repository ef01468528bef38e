"""Of a stack trace, the lines that tell its author where to look."""

import re
from itertools import groupby

_MOST_LINES = 6
_OTHERS = re.compile(r"node_modules|node:internal|\(node:|site-packages|/lib/python\d|eval_script|<frozen ")
_PYTHON_FRAME = re.compile(r'^\s*File "')
_PYTHON_REPEATED = re.compile(r"^\s*\[Previous line repeated (\d+) more times?\]")
_REPEATED_MAX = 10_000

Frame = tuple[str, ...]
"""Its line, and of a Python trace the line of code."""


def authors_lines(stack: str, message: str) -> list[str]:
    """The frames in the author's own files: the first ones, or, of a Python trace, the last. All frames, if none is."""
    lines = [line.rstrip() for line in stack[: 64 * 1024].splitlines() if line.strip()]
    if any(_PYTHON_FRAME.match(line) for line in lines):
        frames = _python_frames(lines)
        own = [frame for frame in frames if not _OTHERS.search(frame[0])] or frames
        return _outdented([line for frame in _collapsed(own)[-_MOST_LINES // 2 :] for line in frame])
    frames_only = [line for line in lines if line.strip() not in message and not message.startswith(line.strip())]
    frames_only = [line for line in frames_only if re.search(r":\d+|^\s*at ", line)]
    own_lines = [line for line in frames_only if not _OTHERS.search(line)] or frames_only
    return _outdented([line for (line,) in _collapsed([(line,) for line in own_lines])[:_MOST_LINES]])


def _python_frames(lines: list[str]) -> list[Frame]:
    """Each frame with its line of code; what stands before and after them is the message's."""
    frames: list[Frame] = []
    for line in lines:
        if _PYTHON_FRAME.match(line):
            frames.append((line,))
        elif frames and line.startswith("    ") and len(frames[-1]) < 2:
            frames[-1] = (frames[-1][0], line)
        elif frames and (repeated := _PYTHON_REPEATED.match(line)):
            frames += frames[-1:] * min(int(repeated[1][:9]), _REPEATED_MAX)
    return frames


def _collapsed(frames: list[Frame]) -> list[Frame]:
    """A recursion's frames as one, so that they do not hide where it began."""
    collapsed: list[Frame] = []
    for frame, same in groupby(frames):
        times = len(list(same))
        collapsed.append(frame if times == 1 else (f"{frame[0]}  … {times} times", *frame[1:]))
    return collapsed


def _outdented(lines: list[str]) -> list[str]:
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return [line[indent:] for line in lines]
