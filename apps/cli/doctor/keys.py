"""Keys, tokens and secrets: whether those are there that clients and apps need, and whether the sealed ones can be
read."""

from typing import Any

import psycopg

from apps.cli.doctor.connecting import connect, not_known
from apps.cli.doctor.finding import Finding, fault, ok, one_of, warning

_MOST = 1_000
# Of environments that have functions; a branch environment has the keys of its parent.
_ENVIRONMENTS = f"""
SELECT owner.slug,
       EXISTS (SELECT FROM datastore_eventkey AS k WHERE k.environment_id = owner.id AND k.revoked_at IS NULL),
       EXISTS (SELECT FROM datastore_signingkey AS k WHERE k.environment_id = owner.id AND k.revoked_at IS NULL),
       bool_or(EXISTS (SELECT FROM datastore_app AS a WHERE a.environment_id = e.id AND a.archived_at IS NULL))
FROM datastore_environment AS e
JOIN datastore_environment AS owner ON owner.id = coalesce(e.parent_id, e.id)
WHERE EXISTS (
    SELECT FROM datastore_function AS f WHERE f.environment_id = e.id AND f.live_version_id IS NOT NULL
)
GROUP BY owner.id, owner.slug ORDER BY owner.slug LIMIT {_MOST}
"""
_SEALED = f"""
SELECT environment.slug, key.name, key.sealed FROM datastore_signingkey AS key
JOIN datastore_environment AS environment ON environment.id = key.environment_id
WHERE key.revoked_at IS NULL ORDER BY key.id LIMIT {_MOST}
"""
_SECRETS = f"""
SELECT environment.slug, secret.name, secret.sealed, environment.id FROM datastore_secret AS secret
JOIN datastore_environment AS environment ON environment.id = secret.environment_id
ORDER BY secret.id LIMIT {_MOST}
"""
_RESEAL = "put the former key into SECRET_KEY_FALLBACKS, on every machine, and then\npython manage.py keys reseal"
_TOKENS = "SELECT count(*) FILTER (WHERE revoked_at IS NULL), count(revoked_at) FROM datastore_apitoken"

Connection = psycopg.Connection[tuple[Any, ...]]


def check_keys() -> list[Finding]:
    try:
        with connect() as connection:
            return [*_of_environments(connection), _sealed(connection), _secrets(connection), _tokens(connection)]
    except psycopg.Error as error:
        return not_known("keys", error)


def _of_environments(connection: Connection) -> list[Finding]:
    from django.conf import settings

    if settings.INNGEST_DEV:
        return [ok("event keys", "dev mode takes any")]
    rows = connection.execute(_ENVIRONMENTS).fetchall()
    without_event = [slug for slug, event, _, _ in rows if not event]
    without_signing = [slug for slug, _, signing, apps in rows if apps and not signing]
    found = []
    if without_event:
        to_do = "\n".join(f"python manage.py keys create-event-key {slug} <what for>" for slug in without_event[:5])
        found.append(warning("event keys", f"nobody can send events to {_named(without_event)}", to_do))
    else:
        told = f"in {one_of(len(rows), 'environment')} with functions" if rows else "no environment has functions yet"
        found.append(ok("event keys", told))
    if without_signing:
        to_do = "\n".join(f"python manage.py keys create-signing-key {slug} <what for>" for slug in without_signing[:5])
        to_do += "\ngive it to the app as INNGEST_SIGNING_KEY"
        told = f"calls of the apps in {_named(without_signing)} are not signed"
        found.append(fault("signing keys", told, to_do))
    return found


def _sealed(connection: Connection) -> Finding:
    from apps.datastore.sealing import CannotUnsealError, unseal

    rows = connection.execute(_SEALED).fetchall()
    unread = []
    for environment, name, sealed in rows:
        try:
            unseal(sealed)
        except CannotUnsealError:
            unread.append(f"{name} ({environment})")
    if unread:
        found = f"{len(unread)} of {len(rows)} cannot be unsealed with SECRET_KEY: {_named(unread)}"
        return fault("sealed keys", found, _RESEAL)
    return ok("sealed keys", f"{one_of(len(rows), 'signing key')}, readable with SECRET_KEY" if rows else "none")


def _secrets(connection: Connection) -> Finding:
    from apps.datastore.sealing import CannotUnsealError, unseal_at
    from apps.datastore.secrets import place_of

    rows = connection.execute(_SECRETS).fetchall()
    unread = []
    for environment, name, sealed, environment_id in rows:
        try:
            unseal_at(place_of(environment_id, name), sealed)
        except CannotUnsealError:
            unread.append(f"{name} ({environment})")
    if unread:
        found = f"{len(unread)} of {len(rows)} cannot be unsealed with SECRET_KEY: {_named(unread)}"
        return fault(
            "secrets", f"{found}; the steps there do not run", f"{_RESEAL}\nor set them anew: inngest secrets set"
        )
    return ok("secrets", f"{one_of(len(rows), 'secret')}, readable with SECRET_KEY" if rows else "none")


def _tokens(connection: Connection) -> Finding:
    from django.conf import settings

    row = connection.execute(_TOKENS).fetchone()
    live, revoked = row or (0, 0)
    told = f"{live} live, {revoked} revoked"
    if live or settings.INNGEST_DEV:
        return ok("API tokens", told)
    to_do = (
        "python manage.py keys create-api-token <environment> <what for> --scope deploy\ninngest login, with the token"
    )
    return warning("API tokens", f"{told}: nobody can deploy or look", to_do)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
