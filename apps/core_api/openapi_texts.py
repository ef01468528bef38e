"""What `/v1/openapi.json` says in words: how to begin, what there is, and what an answer's status means."""

DESCRIPTION = """\
Send events, and see what ran for them; deploy functions, and roll them back.

**Who you are.** Every request shows an API token in the header `Authorization: Bearer <API token>`; **Authorize** puts
yours into the requests that are tried here. A token belongs to one environment, and sees nothing of another. Its scope
says what it may do: `read` what is there, `deploy` (and cancel, invoke, signal; secrets), or `admin` (environments,
keys and tokens as well). `python manage.py keys create-api-token <environment> <name> --scope admin` makes the first
one. A signing key is taken as well, hashed as the SDKs show it. A token of branch environments names the branch in the
header `x-inngest-env`. Sending events takes an event key in the path, and no token. **In dev mode nothing is asked
for.**

**Answers** are `{"data": …, "metadata": …}`, those of lists with `"page"` besides: while `page.next_cursor` is not null
there is more, for the parameter `cursor`. Errors have the HTTP status that fits, and say what is wrong:
`{"error": "There is no run 01KG9Q1ZM3E8H4J6K2P9R7S5TB", "status": 404}`.
"""

TAGS = {
    "Events": "What was sent, and what it led to.",
    "Runs": "What functions did: status, steps, tries, logs, history; cancelling; signals.",
    "Functions": "What is live, every version with its files, and moving between versions.",
    "Deploys": "New versions of functions, all at once or not at all, and the way back.",
    "Apps": "Programs that serve functions through an SDK.",
    "Environments": "Worlds of their own: functions, events, runs and keys of one are not seen from another.",
    "Secrets": "Environment variables of steps, kept encrypted. Their values are never shown.",
    "Keys": "Event keys, signing keys and API tokens. Their texts are shown once.",
    "Server": "Who you are to it, and how it is.",
}

_TAG_OF_PREFIX = {
    "/e/": "Events",
    "/v1/events": "Events",
    "/v1/runs": "Runs",
    "/v1/signals": "Runs",
    "/invoke/": "Functions",
    "/v1/functions": "Functions",
    "/v1/deploys": "Deploys",
    "/v1/images": "Deploys",
    "/v1/apps": "Apps",
    "/v1/environments": "Environments",
    "/v1/secrets": "Secrets",
    "/v1/event-keys": "Keys",
    "/v1/signing-keys": "Keys",
    "/v1/api-tokens": "Keys",
}

_FOR_DEPLOYERS = ("/v1/images", "/v1/secrets")
"""What who only reads is not told either."""

MEANINGS = {
    "200": "Done.",
    "201": "Made.",
    "204": "Done; the answer has no body.",
    "400": "A parameter, a header or the body is wrong; the error says which and how.",
    "401": "No API token or signing key, or none that is live.",
    "403": "The token's scope is not enough; in dev mode: the request came from another origin, or not to localhost.",
    "404": "There is no such thing in this environment.",
    "408": "The body did not arrive in time.",
    "409": "It is not as the request takes it to be; the error says what is.",
    "413": "The body is too large.",
    "415": "The body is of a type, or compressed in a way, that is not read here.",
    "503": "Not now; `Retry-After` says when to try again.",
}


def tag_of(path: str) -> str:
    return next((tag for prefix, tag in _TAG_OF_PREFIX.items() if path.startswith(prefix)), "Server")


def scope_of(method: str, path: str) -> str:
    """The least scope of a token that an operation takes."""
    if tag_of(path) in {"Environments", "Keys"}:
        return "admin"
    return "read" if method == "get" and not path.startswith(_FOR_DEPLOYERS) else "deploy"


def summary_and_rest(docstring: str) -> tuple[str, str]:
    """A docstring's first sentence without its full stop, and what follows it."""
    text = " ".join(docstring.split())
    summary, stop, rest = text.partition(". ")
    return summary.rstrip("."), rest.strip() if stop else ""
