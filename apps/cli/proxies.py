"""The way to the server: straight, or through the proxy that the environment names (HTTPS_PROXY, NO_PROXY)."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from apps.cli.servers import is_loopback

if TYPE_CHECKING:
    from urllib3 import PoolManager


def pool_for(url: str) -> "PoolManager":
    import urllib3

    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    if not proxy or is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return urllib3.PoolManager()
    credentials = urlsplit(proxy)
    headers = (
        urllib3.make_headers(proxy_basic_auth=f"{credentials.username}:{credentials.password or ''}")
        if credentials.username
        else None
    )
    return urllib3.ProxyManager(proxy, proxy_headers=headers)
