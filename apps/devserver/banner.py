"""What a person sees when the development server is up."""

from pathlib import Path

from apps.devserver.addresses import Address
from apps.devserver.colours import BOLD, CYAN, DIM, YELLOW, Paint

SDK_PORT = 8288
"""Where the SDKs look for a development server if nobody tells them."""


def banner(address: Address, functions: Path, data: Path, *, coloured: bool) -> str:
    """Where the server is and what to try next."""
    paint = Paint(coloured)
    url = address.url
    event = '{"name": "user/signed.up", "data": {"id": 42}}'
    sdk = "1" if address.port == SDK_PORT and address.is_loopback else url
    lines = [
        "",
        f"  {paint('Inngest is running on', BOLD)} {paint(url, f'{BOLD};{CYAN}')}",
        "",
        f"  {paint('functions', DIM)}   {functions}, loaded again when they change",
        f"  {paint('API', DIM)}         {url}/api/docs",
        f"  {paint('an app', DIM)}      of an Inngest SDK: start it with INNGEST_DEV={sdk}",
        f"  {paint('an event', DIM)}    curl {url}/e/local-dev-key -d '{event}'",
        f"  {paint('data', DIM)}        {data}",
        "",
    ]
    if not address.is_loopback:
        lines += [f"  {paint(line, f'{BOLD};{YELLOW}')}" for line in _warning(address)] + [""]
    return "\n".join([*lines, f"  {paint('Ctrl-C stops everything.', DIM)}", ""])


def _warning(address: Address) -> list[str]:
    where = "every address of this machine" if address.is_wildcard else address.host
    names = (
        "It answers other machines by the names in ALLOWED_HOSTS alone."
        if address.is_wildcard
        else f"It answers other machines as {address.host}, and by the names in ALLOWED_HOSTS."
    )
    here = f"Listening on {where}, port {address.port}"
    return [f"{here}: whoever reaches it can run code here, without a password.", names]
