"""Deploying through the REST API, for tests of what comes after."""

from typing import Any

from rest_framework.test import APIClient

from tests.core_api.archiving import function, tar_gz, together


def deploy(client: APIClient, *functions: Any, **parameters: Any) -> dict[str, Any]:
    """These functions, each the files of a folder; by default one that is called welcome."""
    body = tar_gz(together(functions or (function(),)))
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    answer = client.post(f"/v1/deploys?{query}", body, content_type="application/gzip")
    assert answer.status_code in (200, 201), answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def deploy_texts(client: APIClient, *texts: str, slug: str = "welcome") -> None:
    """A version for each text, which is its file `x`."""
    for text in texts:
        deploy(client, function(slug, {"x": text}))


def get(client: APIClient, path: str, **parameters: Any) -> Any:
    answer = client.get(path, parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def post(client: APIClient, path: str, body: Any = None, status: int = 201) -> Any:
    """The answer's data, or all of it if it is an error."""
    answer = client.post(path, {} if body is None else body, format="json")
    assert answer.status_code == status, answer.content
    return answer.json() if status >= 400 else answer.json()["data"]
