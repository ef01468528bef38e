"""Beat: when it was last heard of, and whether it rings for everything."""

import psycopg

from apps.cli.doctor.connecting import connect, not_known
from apps.cli.doctor.finding import Finding, fault, ok
from apps.cli.doctor.place import Place

_COMMAND = "celery -A inngest_server beat --scheduler apps.doorbell.beat:Scheduler"
_PULSE = "SELECT extract(epoch FROM clock_timestamp() - max(at))::float8 FROM state_pulse"
_DISABLED = "SELECT name FROM django_celery_beat_periodictask WHERE name = ANY(%s) AND NOT enabled ORDER BY name"


def check_beat(place: Place) -> list[Finding]:
    from apps.event_api.readiness import PULSE_SECONDS
    from inngest_server.celery import app

    try:
        with connect() as connection:
            row = connection.execute(_PULSE).fetchone()
            disabled = [name for (name,) in connection.execute(_DISABLED, (list(app.conf.beat_schedule),)).fetchall()]
    except psycopg.Error as error:
        return not_known("beat", error)
    age = row[0] if row else None
    found = []
    if age is None or age > PULSE_SECONDS:
        heard = "never heard of" if age is None else f"last heard of {_span(age)} ago"
        chores = "it is heard through a worker of queue chores, which must be there too"
        found.append(fault("beat", heard, f"{place.start(_COMMAND)}\n{chores}"))
    else:
        found.append(ok("beat", "heard of just now" if age < 3 else f"heard of {_span(age)} ago"))
    if disabled:
        names = ", ".join(disabled)
        on = "enable them again in the table django_celery_beat_periodictask"
        found.append(fault("beat's tasks", f"disabled: {names}", on))
    return found


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"
