"""Spans and times as a person reads them."""

from apps.devserver.local_time import at

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """`45 ms`, `1.24 s`, `2 min 5 s`, `3 d 4 h`."""
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1_000:.0f} ms"
    if seconds < 59.995:
        text = f"{seconds:.2f}" if seconds < 9.995 else f"{seconds:.1f}"
        return f"{text.rstrip('0').rstrip('.')} s"
    left = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))


def clock(moment: float) -> str:
    """The time of day, with milliseconds."""
    return f"{at(moment):%H:%M:%S}.{int(moment * 1_000) % 1_000:03}"


def until(moment: float, now: float) -> str:
    """When something is due, as seen from now: a time today, or a day too."""
    due = at(moment)
    return f"{due:%H:%M:%S}" if due.date() == at(now).date() else f"{due:%a %d %b %Y %H:%M}"
