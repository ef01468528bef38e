"""Which server a command is for, which of its environments, and with which token."""

import os
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from apps.cli.credentials import Credentials, Login, path_of_credentials, read_credentials
from apps.cli.problems import Problem

API_URL = "INNGEST_API_URL"
API_TOKEN = "INNGEST_API_TOKEN"  # noqa: S105 (the name of a variable)
DEV_URL = "http://localhost:8288"
BRANCH = "branch"
_LONGEST_TOKEN = 1_000
_LONGEST_NAME = 300
_LOOPBACK = re.compile(r"localhost|.*\.localhost|127(\.\d{1,3}){3}|::1", re.IGNORECASE)


class Server(NamedTuple):
    url: str
    """Without a slash at the end."""
    token: str | None = None
    environment: str | None = None
    """The environment that is meant; None: whichever the token opens."""
    is_checked: bool = False
    """The token was stored for this environment, so it need not be asked for."""
    source: str = ""
    """Where the address and the token were found."""

    @property
    def branch(self) -> str | None:
        """The `x-inngest-env` that a token of the branch environments needs."""
        parent, slash, name = (self.environment or "").partition("/")
        return name if slash and parent == BRANCH else None


def choose_server(env: str | None = None) -> Server:
    """By INNGEST_API_URL and INNGEST_API_TOKEN, else as logged in, else the dev server of this machine.

    Raises Problem: a URL that is none, an environment that nobody logged in to, unreadable credentials.
    """
    url, token = os.environ.get(API_URL), (os.environ.get(API_TOKEN) or "").strip() or None
    if token and not is_token(token):
        raise Problem(f"{API_TOKEN} is no API token: one is a single word such as api_…")
    check_name(env)
    if url and token:
        return Server(read_url(url, API_URL), token, env, source=f"{API_URL} and {API_TOKEN}")
    credentials = read_credentials()
    chosen = read_url(url, API_URL) if url else credentials.current or DEV_URL
    if token:
        return Server(chosen, token, env, source=API_TOKEN)
    return _as_logged_in(credentials, chosen, env, API_URL if url else "")


def _as_logged_in(credentials: Credentials, url: str, env: str | None, source: str) -> Server:
    known = credentials.servers.get(url)
    if known is None:
        return Server(url, None, env, source=source or "the default: nobody has logged in")
    name = env or known.current
    login = known.environments.get(name) or _of_all_branches(known.environments, name)
    if login is None:
        there = ", ".join(sorted(known.environments))
        raise Problem(
            f"nobody has logged in to the environment {name} of {url} here (only to {there})",
            f"inngest login --url {url}, with a token of {name}",
        )
    return Server(url, login.token, name, is_checked=name in known.environments, source=str(path_of_credentials()))


def _of_all_branches(environments: dict[str, Login], name: str) -> Login | None:
    """A token of the environment `branch` opens every `branch/<name>`."""
    return environments.get(BRANCH) if name.startswith(f"{BRANCH}/") else None


def read_url(text: str, source: str) -> str:
    """A server's URL as it is stored and compared. Raises Problem that names the `source` of the text."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise Problem(
            f"{source} is not a server's address: {text!r}", "an address looks like https://inngest.example.com"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}{f':{port}' if port and port != default else ''}{parts.path.rstrip('/')}"


def check_name(env: str | None) -> None:
    """Raises Problem if this cannot be an environment: its branch goes into a header."""
    if env is not None and not (env.isprintable() and env.isascii() and 0 < len(env) <= _LONGEST_NAME):
        raise Problem("--env must be the name of an environment, in ASCII")


def is_token(text: str) -> bool:
    """Whether it can be one: what is none may be a secret of another kind, and would break the request's header."""
    return text.isascii() and text.isprintable() and " " not in text and 0 < len(text) <= _LONGEST_TOKEN


def is_loopback(url: str) -> bool:
    return _LOOPBACK.fullmatch(urlsplit(url).hostname or "") is not None


def is_safe_for_tokens(url: str) -> bool:
    """Whether a token on its way to the server can be read by nobody else."""
    return url.startswith("https://") or is_loopback(url)
