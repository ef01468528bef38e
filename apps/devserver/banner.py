"""What a person sees when the development server is up."""

from pathlib import Path

SDK_PORT = 8288
"""Where the SDKs look for a development server if nobody tells them."""


def banner(port: int, functions: Path, data: Path, coloured: bool) -> str:
    """Where the server is and what to try next."""
    url = f"http://localhost:{port}"
    event = '{"name": "user/signed.up", "data": {"id": 42}}'
    lines = [
        "",
        f"  Inngest is running on {url}, with the functions of {functions}; data in {data}.",
        "",
        "  Send an event:",
        f"    curl {url}/e/local-dev-key -d '{event}'",
        "  It answers with the event's id. See the runs that it started, then one of them:",
        f"    curl {url}/v1/events/<event id>/runs",
        f"    curl {url}/v1/runs/<run id>",
        "",
        "  Connect an app that uses an Inngest SDK: start it with",
        f"    INNGEST_DEV={'1' if port == SDK_PORT else url}",
        "  On a usual port of this machine it is found; else name it with -u <its URL>.",
        "",
        "  Ctrl-C stops everything.",
        "",
    ]
    if coloured:
        lines[1] = f"\x1b[1m{lines[1]}\x1b[0m"
    return "\n".join(lines)
