"""What a request may do, and in whose name: the account of the key that it shows."""

from typing import Literal, NamedTuple

from apps.datastore.models import ApiToken, Environment, Scope, SigningKey

AccessKind = Literal["dev", "api-token", "signing-key"]
ScopeName = Literal["read", "deploy", "admin"]
"""A Scope, as clients write it."""
SCOPE_NAMES: dict[Scope, ScopeName] = {Scope.READ: "read", Scope.DEPLOY: "deploy", Scope.ADMIN: "admin"}

_ORDER = tuple(Scope)
_ACTOR_LENGTH = 200


class Access(NamedTuple):
    environment: Environment
    """The one whose rows the request may see."""
    scope: Scope
    owner: Environment
    """The one that the key belongs to: of a branch environment, its parent."""
    kind: AccessKind
    id: int | None = None
    """The key's number in the list of its kind; None in dev mode, as are its name and its hint."""
    name: str | None = None
    hint: str | None = None

    @property
    def actor(self) -> str:
        """Who it is, in words, for the record of what they do: 200 characters at most."""
        if self.kind == "dev":
            return "dev mode"
        said = f"{self.name} ({self.hint}…)"
        return (said if self.kind == "api-token" else f"signing key {said}")[:_ACTOR_LENGTH]

    def allows(self, needed: Scope) -> bool:
        """Each scope includes those before it."""
        return _ORDER.index(self.scope) >= _ORDER.index(needed)


def access_in_dev_mode(environment: Environment) -> Access:
    """Nothing is asked for there."""
    return Access(environment, Scope.ADMIN, environment, "dev")


def access_by_token(token: ApiToken) -> Access:
    owner = token.environment
    return Access(owner, Scope(token.scope), owner, "api-token", token.pk, token.name, token.hint)


def access_by_signing_key(key: SigningKey) -> Access:
    """As good as a token of the scope `deploy`: its holders are the apps, which bring functions and run them."""
    return Access(key.environment, Scope.DEPLOY, key.environment, "signing-key", key.pk, key.name, key.hint)
