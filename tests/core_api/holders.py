"""Those who come with a key: clients that show one."""

from rest_framework.test import APIClient

from apps.datastore.keys import create_api_token
from apps.datastore.models import Environment, Scope
from apps.datastore.signing_keys import create_signing_key
from drivers.signing import bearer_of


def showing(secret: str, branch: str | None = None) -> APIClient:
    """A client that shows this, for a branch environment or not."""
    client = APIClient()
    headers = {} if branch is None else {"HTTP_X_INNGEST_ENV": branch}
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}", **headers)
    return client


def holder(environment: Environment, scope: Scope, branch: str | None = None) -> APIClient:
    """Of a new API token of this scope."""
    return showing(create_api_token(environment, f"a {scope} token", scope), branch)


def app_of(environment: Environment, branch: str | None = None) -> APIClient:
    """Who has a new signing key."""
    return showing(bearer_of(create_signing_key(environment, "an app")), branch)
